"""A made-up harbour forum of known truth: what its people write, and moderators who make mistakes."""
