"""The label set of the default model, in the order of its outputs, and the two tasks a model may have."""

JIGSAW_LABELS: tuple[str, ...] = (
    "toxic",
    "severe_toxic",
    "obscene",
    "threat",
    "insult",
    "identity_hate",
)
"""Jigsaw Toxic Comment Classification Challenge (2018), in the column order of its training file."""

MULTI_LABEL, SINGLE_LABEL = "multi_label", "single_label"
TASKS = (MULTI_LABEL, SINGLE_LABEL)
"""What a model is for: any number of labels for each text, or one of several classes."""
