"""Names the columns of exported decisions: those of each row, and one for each label."""

from __future__ import annotations

from collections.abc import Collection

COLUMNS = (
    "id",
    "text",
    "outcome",
    "decided",
    "model",
    "language",
    "drawn",
    "probability",
    "blind",
    "version",
)
"""Beside a column for each label."""
PREFIX = "label_"


def column_of(label: str, labels: Collection[str]) -> str:
    """Return the column of a label: its name, with PREFIX where a column of the row or another label has it.

    labels: all that have a column.
    """
    name = label
    while name in COLUMNS or (name != label and name in labels):
        name = PREFIX + name
    return name
