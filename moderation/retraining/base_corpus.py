"""Parts a labelled corpus, such as the default model's own, into what is rehearsed and what is reported.

Reads a file; knows no model and no database.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from moderation.retraining.refusals import Refused
from moderation.retraining.training_data import Row, write_csv

TEXT_COLUMNS = ("comment_text", "text")
MOST_REHEARSED = 1000
"""Rows of the corpus that a retraining learns once more at most; never more than half of them."""
LEAST_ROWS = 400
"""A smaller corpus is too small to part, and is reported on as a whole."""
MOST_CHARACTERS = 2000
"""A longer text costs more time than it keeps from being forgotten."""
MOST_OF_A_LINE = 1_000_000
"""Characters: a file with a longer line is no list of comments, and is not read into memory."""
NOT_SCORED = -1.0
"""What Kaggle's files have in a cell that nobody judged."""
_UNREADABLE = (OSError, EOFError, UnicodeError, csv.Error, zlib.error)


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

    path: a CSV in UTF-8, also gzipped, with a text column and one for each label; an empty cell, -1, and a
    label without a column, are not known. Raises Refused where it can't be read, or holds no such rows: the
    message names the line and quotes no text.
    """
    try:
        rows = sorted(_rows(path, labels), key=lambda row: row.text_key)
    except _UNREADABLE as error:
        raise _refused(path, f"can't be read as a CSV in UTF-8 ({_reason(error)}).") from error
    if not rows:
        raise _refused(path, "has no row with a text and a label.")
    short = [row for row in rows if len(row.text) <= MOST_CHARACTERS]
    rehearsed = short[: min(count, len(rows) // 2)] if len(rows) >= LEAST_ROWS else []
    keys = {row.text_key for row in rehearsed}
    return BaseCorpus(rehearsed, [row for row in rows if row.text_key not in keys])


def _rows(path: Path, labels: Sequence[str]) -> Iterator[Row]:
    csv.field_size_limit(
        MOST_OF_A_LINE
    )  # of the whole process, so whoever read a file before has set another
    with _opened(path) as file:
        table = csv.DictReader(_lines(path, file))
        named = table.fieldnames or ()
        column = next((name for name in TEXT_COLUMNS if name in named), None)
        if column is None:
            raise _refused(path, f"has none of the columns {', '.join(TEXT_COLUMNS)}.")
        if not set(labels) & set(named):
            raise _refused(path, f"has a column for none of the labels {', '.join(labels)}.")
        for cells in table:
            text = (cells[column] or "").replace("\0", "")
            known = tuple(_value(path, table.line_num, label, cells.get(label)) for label in labels)
            if text.strip() and not all(math.isnan(value) for value in known):
                key = hashlib.sha256(" ".join(text.casefold().split()).encode("utf-8", "replace"))
                yield Row(text, known, key.hexdigest())


def _value(path: Path, line: int, label: str, cell: str | None) -> float:
    """Read what a cell says of a label: 0 to 1, or NaN where nobody judged."""
    if cell is None or not cell.strip():
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        value = math.inf
    if math.isnan(value) or value == NOT_SCORED:
        return math.nan
    if not 0 <= value <= 1:
        raise _refused(path, f"has something else than a number from 0 to 1 at line {line}, column {label}.")
    return value


def _lines(path: Path, file: io.TextIOBase) -> Iterator[str]:
    """Yield the lines, none of them longer than memory bears."""
    number = 0
    while line := file.readline(MOST_OF_A_LINE):
        number += 1
        if len(line) == MOST_OF_A_LINE:
            raise _refused(path, f"has a line of over {MOST_OF_A_LINE} characters: line {number}.")
        yield line


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _reason(error: BaseException) -> str:
    """Return why a file can't be read, without what stands in it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "a field is too long" if "field larger" in str(error) else type(error).__name__


def _refused(path: Path, what: str) -> Refused:
    return Refused("bad-base", f"The base corpus {path.name} {what} Nothing was trained.")
