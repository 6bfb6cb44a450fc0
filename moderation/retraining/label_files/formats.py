"""Reads files of labelled texts of several systems, a row at a time; writes nothing and knows no table."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from moderation.retraining.label_files.columns import column_of
from moderation.texts import storable
from toxicity_ml.importing.label_names import KNOWN
from toxicity_ml.perspective.attributes import base_name, labels_by_attribute
from toxicity_ml.perspective.html_text import text_of

PERSPECTIVE, CORAL, KAGGLE, OWN = "perspective", "coral", "kaggle", "own"
FORMATS = (PERSPECTIVE, CORAL, KAGGLE, OWN)
SURE = 0.8
"""From this score of Perspective on a label is taken for true, up to one minus it for false."""
_TEXT_COLUMNS = {
    PERSPECTIVE: ("text", "comment_text", "comment"),
    CORAL: ("body", "revisions.0.body", "comment", "comment text", "text"),
    KAGGLE: ("comment_text", "text"),
    OWN: ("text", "comment_text"),
}
_WORDS = {"true": True, "false": False, "1": True, "0": False, "": None, "null": None, "none": None}
_STATUS = "status"
LONGEST = 2_000_000
"""Characters of a cell and of a line at most: an open quotation mark would make one cell of a whole file."""
_SURROGATES = range(0xDC80, 0xDD00)

Labels = dict[str, bool | None]
Cells = Mapping[str, Any]


class UnusableFile(Exception):
    """The file can't be read as said; the message names what is missing, and never a text."""


@dataclass(frozen=True)
class Labelled:
    """A text with what the file says of it."""

    line: int
    text: str = field(repr=False)
    labels: Labels
    """{label: true, false, or null: not known}; every label of the version."""


@dataclass(frozen=True)
class Bad:
    """A row that can't be used, told without its text."""

    line: int
    reason: str


@dataclass(frozen=True)
class Undecided:
    """A row that says nothing of any label."""

    line: int


Row = Labelled | Bad | Undecided


@dataclass(frozen=True)
class Reading:
    """How to read a file."""

    form: str
    """One of FORMATS."""
    labels: Sequence[str]
    """Those of the active version."""
    names: Mapping[str, str] = field(default_factory=dict)
    """{column of the file: label}, beside the names that are known."""
    sure: float = SURE
    rejected_as: str = ""
    """Of Coral: the label that a rejected comment carries; empty: a rejection says nothing of a label."""

    def check(self) -> None:
        """Raise UnusableFile for a label that the version does not have."""
        unknown = sorted({*self.names.values(), *filter(None, [self.rejected_as])} - set(self.labels))
        if unknown:
            raise UnusableFile(
                f"The active version has no label {', '.join(unknown)}; it has {', '.join(self.labels)}."
            )


def read(path: Path, reading: Reading) -> Iterator[Row]:
    """Yield each row of a file, read as it is asked for.

    A `.jsonl` file is of the own form alone. Raises UnusableFile where columns are missing or it is no file
    of rows, OSError where it can't be read.
    """
    reading.check()
    if path.suffix == ".jsonl":
        if reading.form != OWN:
            raise UnusableFile(f"{path.name} is JSON Lines, which only the format {OWN} is read from.")
        yield from _rows(_json_lines(path), reading, None)
        return
    csv.field_size_limit(LONGEST)
    # a broken character makes its own row bad, and no other
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = csv.reader(_lines(file))
        header = [name.strip() for name in _next_row(lines) or ()]
        if twice := sorted({name for name in header if name and header.count(name) > 1}):
            raise UnusableFile(
                f"A column is there twice, number {header.index(twice[0]) + 1} and a later one: which counts?"
            )
        yield from _rows(_csv_rows(lines, header), reading, header)


def _rows(
    numbered: Iterator[tuple[int, Cells | str]], reading: Reading, header: Sequence[str] | None
) -> Iterator[Row]:
    column = _text_column(reading, header) if header is not None else ""
    labels_of = _labels_of(reading, header)
    for line, cells in numbered:
        if isinstance(cells, str):
            yield Bad(line, cells)
            continue
        text = _text(cells, column, reading)
        if text is None:
            yield Bad(line, "has no text")
            continue
        if any(ord(character) in _SURROGATES for character in text):
            yield Bad(line, "is not UTF-8")
            continue
        try:
            labels = labels_of(cells)
        except ValueError as error:
            yield Bad(line, str(error))
            continue
        if all(value is None for value in labels.values()):
            yield Undecided(line)
        else:
            yield Labelled(line, storable(text), labels)


def _csv_rows(lines: Any, header: Sequence[str]) -> Iterator[tuple[int, Cells | str]]:
    """Number each row by the line that it begins on; of one that is no row, say why."""
    before = lines.line_num
    while (cells := _next_row(lines)) is not None:
        line, before = before + 1, lines.line_num
        if not cells:
            continue
        if len(cells) != len(header):
            yield line, f"has {len(cells)} cells, not {len(header)}"
        else:
            yield line, dict(zip(header, cells, strict=True))


def _next_row(lines: Any) -> list[str] | None:
    """Return the next row's cells; None after the last. Raises UnusableFile."""
    begins = lines.line_num + 1
    try:
        row: list[str] | None = next(lines, None)
    except csv.Error as error:
        raise UnusableFile(
            f"It is not CSV any more from line {begins} on: is a quotation mark left open there? A cell may "
            f"have {LONGEST:,} characters."
        ) from error
    return row


def _lines(file: TextIO) -> Iterator[str]:
    """Yield the lines, so that one without end takes no more memory than LONGEST. Raises UnusableFile."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise UnusableFile(f"Line {number} has more than {LONGEST:,} characters.")
        yield line


def _json_lines(path: Path) -> Iterator[tuple[int, Cells | str]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for line, written in enumerate(_lines(file), start=1):
            if not written.strip():
                continue
            try:
                cells = json.loads(written)
            except (ValueError, RecursionError):
                cells = None
            yield line, cells if isinstance(cells, dict) else "is no JSON object"


def _text_column(reading: Reading, header: Sequence[str]) -> str:
    lower = {name.lower(): name for name in header}
    for name in _TEXT_COLUMNS[reading.form]:
        if name in lower:
            return lower[name]
    raise UnusableFile(
        f"There is no column of texts: {' or '.join(_TEXT_COLUMNS[reading.form])} is looked for."
    )


def _text(cells: Cells, column: str, reading: Reading) -> str | None:
    value = cells.get(column) if column else next((cells[n] for n in _TEXT_COLUMNS[OWN] if n in cells), None)
    if not isinstance(value, str):
        return None
    text = text_of(value) if reading.form == CORAL else value
    return text if text.strip() else None


def _labels_of(reading: Reading, header: Sequence[str] | None) -> Callable[[Cells], Labels]:
    """Return what reads the labels off a row's cells; it raises ValueError, without the text, where they
    can't be."""
    if reading.form == CORAL:
        return _by_status(reading, header or ())
    columns = _columns(reading, header)
    exported = _exported(reading)
    cell = {PERSPECTIVE: _sure(reading.sure), KAGGLE: _kaggle, OWN: _own}[reading.form]

    def labels(cells: Cells) -> Labels:
        found: Labels = dict.fromkeys(reading.labels)
        for column, label in columns.items():
            try:
                value = cell(cells.get(exported.get(column, column), cells.get(column)))
            except (ValueError, TypeError):
                raise ValueError(f"has no label in {column}") from None
            if value is not None:
                found[label] = value
        return found

    return labels


def _columns(reading: Reading, header: Sequence[str] | None) -> dict[str, str]:
    """{column: label} of those columns that stand for a label of the version."""
    given = dict(reading.names)
    if header is None:
        return {**{label: label for label in reading.labels}, **given}
    exported = {column: label for label, column in _exported(reading).items() if column in header}
    known = {
        **{label: label for label in reading.labels if label not in exported.values()},
        **exported,
        **({"target": "toxic", **KNOWN} if reading.form == KAGGLE else {}),
    }
    if reading.form == PERSPECTIVE:
        attributes = labels_by_attribute(tuple(reading.labels))
        known = {
            name: attributes[base_name(name.upper())]
            for name in header
            if base_name(name.upper()) in attributes
        }
    columns = {
        name: given.get(name) or known[name]
        for name in header
        if name in given or known.get(name) in reading.labels
    }
    if not columns:
        raise UnusableFile(
            f"No column stands for a label; the active version has {', '.join(reading.labels)}. Say which "
            "does with --map COLUMN=LABEL."
        )
    return columns


def _exported(reading: Reading) -> dict[str, str]:
    """Return {label: its column in an export} of labels that are named like another; none of other forms."""
    if reading.form != OWN:
        return {}
    columns = {label: column_of(label, reading.labels) for label in reading.labels}
    return {label: column for label, column in columns.items() if label != column}


def _by_status(reading: Reading, header: Sequence[str]) -> Callable[[Cells], Labels]:
    """A comment that Coral's moderators let stand has no label; one that they rejected has the given one."""
    column = next((name for name in header if name.lower() == _STATUS), None)
    if column is None:
        raise UnusableFile(f"There is no column {_STATUS}, which says what Coral's moderators decided.")

    def labels(cells: Cells) -> Labels:
        status = str(cells[column]).strip().upper()
        if status == "APPROVED":
            return dict.fromkeys(reading.labels, False)
        found: Labels = dict.fromkeys(reading.labels)
        if status == "REJECTED" and reading.rejected_as:
            found[reading.rejected_as] = True
        return found

    return labels


def _sure(least: float) -> Callable[[Any], bool | None]:
    def value_of(cell: Any) -> bool | None:
        score = _number(cell)
        if score is None or 1 - least < score < least:
            return None
        return score >= least

    return value_of


def _kaggle(cell: Any) -> bool | None:
    """-1 is masked; a share of annotators counts from one half on, as the competition has it."""
    if str(cell).strip() in ("-1", "-1.0"):
        return None
    score = _number(cell)
    return None if score is None else score >= 0.5


def _own(cell: Any) -> bool | None:
    if cell is None or isinstance(cell, bool):
        return cell
    word = str(cell).strip().lower()
    if word not in _WORDS:
        raise ValueError
    return _WORDS[word]


def _number(cell: Any) -> float | None:
    if cell is None or not str(cell).strip():
        return None
    value = float(cell)
    if not 0 <= value <= 1 or math.isnan(value):
        raise ValueError
    return value
