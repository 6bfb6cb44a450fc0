"""What the test key is answered: a function of the text alone, with no model, database or cache behind it."""

from __future__ import annotations

from collections.abc import Iterable

WORD = "toxic"
HIGH = 0.9
LOW = 0.1
LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
"""The labels of `classify/` for the test key, whichever version is active."""
MODEL = "test@1"
"""What stands for the model version."""


def fixed_scores(text: str, names: Iterable[str] = LABELS) -> dict[str, float]:
    """The score of each name: 0.9 where the text contains `toxic`, in upper or lower case, else 0.1."""
    return dict.fromkeys(names, HIGH if WORD in text.casefold() else LOW)
