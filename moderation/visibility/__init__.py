"""Whether an object is shown: the one rule, hiding and showing by it, and what a person released."""
