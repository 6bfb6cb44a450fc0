"""The pipeline: promise (enqueue), claim, score, store, drain. Together these are `screening`."""
