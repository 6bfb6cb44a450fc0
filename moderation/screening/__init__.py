"""The pipeline: promise (enqueue), claim, score, store, drain. Together these are the design's screening.py."""
