"""The label set of the default model, in the order of its outputs."""

JIGSAW_LABELS: tuple[str, ...] = (
    "toxic",
    "severe_toxic",
    "obscene",
    "threat",
    "insult",
    "identity_hate",
)
"""Jigsaw Toxic Comment Classification Challenge (2018), in the column order of its training file."""
