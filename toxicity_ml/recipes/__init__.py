"""Training recipes compared on the same rows."""
