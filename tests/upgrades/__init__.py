"""An app whose migrations change a table as those of `moderation` may: examples, and proofs of the tools."""
