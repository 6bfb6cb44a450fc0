"""Parts a labelled corpus, such as the default model's own, into what is rehearsed and what is reported.

Reads a file; knows no model and no database.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.retraining.training_data import Row, write_csv

TEXT_COLUMNS = ("comment_text", "text")
MOST_REHEARSED = 1000
"""Rows of the corpus that a retraining learns once more at most; never more than half of them."""
LEAST_ROWS = 400
"""A smaller corpus is too small to part, and is reported on as a whole."""
MOST_CHARACTERS = 2000
"""A longer text costs more time than it keeps from being forgotten."""


@dataclass(frozen=True)
class BaseCorpus:
    """The parts of a corpus; no row is in both."""

    rehearsed: list[Row]
    """Learned again with the labels that it has there."""
    reported: list[Row]
    """On these the old and the new version are compared."""

    def write_reported(self, path: Path, labels: Sequence[str]) -> Path:
        """Write what is reported as the classifier library reads it, and return the path."""
        write_csv(path, labels, self.reported)
        return path


def parted(path: Path, labels: Sequence[str], count: int = MOST_REHEARSED) -> BaseCorpus:
    """Part the corpus by a hash of each text, the same way each time.

    path: a CSV, also gzipped, with a text column and one for each label; an empty cell, and a label without
    a column, is not known. Raises ValueError where no column holds texts, OSError where it can't be read.
    """
    rows = sorted(_rows(path, labels), key=lambda row: row.text_key)
    short = [row for row in rows if len(row.text) <= MOST_CHARACTERS]
    rehearsed = short[: min(count, len(rows) // 2)] if len(rows) >= LEAST_ROWS else []
    keys = {row.text_key for row in rehearsed}
    return BaseCorpus(rehearsed, [row for row in rows if row.text_key not in keys])


def _rows(path: Path, labels: Sequence[str]) -> Iterator[Row]:
    with _opened(path) as file:
        table = csv.DictReader(file)
        column = next((name for name in TEXT_COLUMNS if name in (table.fieldnames or ())), None)
        if column is None:
            raise ValueError(f"{path.name} has none of the columns {', '.join(TEXT_COLUMNS)}.")
        for cells in table:
            text = cells[column] or ""
            known = tuple(float(cells[label]) if cells.get(label) else math.nan for label in labels)
            if text and not all(math.isnan(value) for value in known):
                key = hashlib.sha256(" ".join(text.casefold().split()).encode("utf-8", "replace"))
                yield Row(text, known, key.hexdigest())


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
