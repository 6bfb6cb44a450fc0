"""Labels as files: what other systems decided, and what was decided here to take along."""
