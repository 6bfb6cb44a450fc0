"""Answers the test key by the text alone, with no model, database or cache behind it."""

from __future__ import annotations

from collections.abc import Iterable

WORD = "toxic"
HIGH = 0.9
LOW = 0.1
THRESHOLD = 0.5
"""From which a fixed score counts as flagged."""
LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
"""The labels of `classify/` for the test key, whichever version is active."""
MODEL = "test@1"
"""What stands for the model version."""


def fixed_scores(text: str, names: Iterable[str] = LABELS) -> dict[str, float]:
    """Return the score of each name: 0.9 where the text contains `toxic`, in any case, else 0.1."""
    return dict.fromkeys(names, HIGH if WORD in text.casefold() else LOW)
