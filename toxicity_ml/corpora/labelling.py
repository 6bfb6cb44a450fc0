"""Reads a row's cells as its text and its labels, for either task."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from toxicity_ml.corpora.reading import Table
from toxicity_ml.errors import DataError
from toxicity_ml.labels import SINGLE_LABEL, TASKS

TEXT_COLUMNS = ("comment_text", "text", "sentence")
"""Names under which the text may stand, first match wins."""
CLASS_COLUMN = "label"
SST2_CLASSES = ("negative", "positive")
"""The classes of the Stanford Sentiment Treebank's binary task, in the order of its numbers."""

Labels = Callable[[Mapping[str, Any], str], list[float]]
"""A row's cells, and where they stand for messages -> its labels."""


@dataclass(frozen=True)
class Columns:
    """Where the text and the labels stand in a table."""

    text: str | None = None
    """The column of the text; None: the first of TEXT_COLUMNS that is there."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label: its column; a label that is not named here stands in the column of its own name."""
    needs_all: bool = True
    """True refuses a table without a column for each label. False: a label without a column is masked in
    each row, and a table is refused that has a column for none of them."""


BY_NAME = Columns()
"""Every label in the column of its own name, the text under one of TEXT_COLUMNS."""


def labelled(
    table: Table, labels: tuple[str, ...], task: str, columns: Columns = BY_NAME
) -> Iterator[dict[str, Any]]:
    """The rows of a table as text, labels, weight, sample and source.

    Raises DataError for a column that is missing and a cell that cannot be read, ValueError for a task that
    is not one of TASKS.
    """
    if task not in TASKS:
        raise ValueError(f"The task {task!r} is not known: choose {' or '.join(TASKS)}.")
    if task == SINGLE_LABEL:
        labels_of = _single_label(table, labels, columns)
    else:
        labels_of = _multi_label(table, labels, columns)
    column = text_column(table.source, table.columns, columns.text)
    for number, row in table.rows:
        where = f"{table.source}, row {number}"
        if row[column] is None:
            raise DataError(f"{where} has no text.")
        weight = row.get("weight")
        yield {
            "text": str(row[column]),
            "labels": labels_of(row, where),
            "weight": _number(weight, f"{where}, column weight", top=math.inf) if weight else 1.0,
            "sample": row.get("sample") or "",
            "source": row.get("source") or "",
        }


def text_column(source: str, columns: Sequence[str], named: str | None = None) -> str:
    """The column of the text: the named one, or the first of TEXT_COLUMNS that is there. Raises DataError."""
    wanted = TEXT_COLUMNS if named is None else (named,)
    column_name = next((column for column in wanted if column in columns), None)
    if column_name is None:
        raise DataError(
            f"{source} has no text column ({', '.join(wanted)}); it has {', '.join(columns) or 'none'}."
        )
    return column_name


def _multi_label(table: Table, labels: tuple[str, ...], columns: Columns) -> Labels:
    if unknown := sorted(set(columns.labels) - set(labels)):
        raise DataError(f"There is no label {', '.join(unknown)}; the labels are {', '.join(labels)}.")
    named = [columns.labels.get(label, label) for label in labels]
    is_there = [column in table.columns for column in named]
    if columns.needs_all or not any(is_there):
        _require(table, named)
    else:
        _require(table, list(columns.labels.values()))
    places = list(zip(named, is_there, strict=True))
    return lambda row, where: [
        _number(row[column], f"{where}, column {column}") if there else math.nan for column, there in places
    ]


def _single_label(table: Table, classes: tuple[str, ...], columns: Columns) -> Labels:
    if unknown := sorted(set(columns.labels) - {CLASS_COLUMN}):
        raise DataError(
            f"The classes stand in one column: name it as {CLASS_COLUMN}, not {', '.join(unknown)}."
        )
    class_column = columns.labels.get(CLASS_COLUMN, CLASS_COLUMN)
    if columns.labels:
        _require(table, [class_column])
    if class_column in table.columns:
        index_of = _class_index(table, classes)
        return lambda row, where: _one_hot(index_of(row[class_column], where), len(classes))
    if not set(classes) & set(table.columns):
        raise DataError(
            f"{table.source} has neither a column {CLASS_COLUMN} nor one for each class "
            f"({', '.join(classes)}); it has {', '.join(sorted(table.columns)) or 'none'}."
        )
    _require(table, classes)
    return lambda row, where: _distribution(
        [_number(row[name], f"{where}, column {name}") for name in classes], where
    )


def _require(table: Table, columns: Sequence[str]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise DataError(
            f"{table.source} has no column {', '.join(missing)}; "
            f"it has {', '.join(sorted(table.columns)) or 'none'}."
        )


def _class_index(table: Table, classes: tuple[str, ...]) -> Callable[[Any, str], int | None]:
    """Reads a cell of the class column: a name first, then a number; None where it is empty.

    A source that names its own numbers counts by them, whatever the order of ``classes``.
    """
    names = {name.casefold(): index for index, name in enumerate(classes)}
    if len(names) < len(classes):
        raise DataError(f"Two classes have the same name, but for case: {', '.join(classes)}.")
    numbered = table.class_names or classes
    unknown = [name for name in numbered if name.casefold() not in names]
    if unknown:
        raise DataError(
            f"{table.source} has the classes {', '.join(numbered)}: name these, not {', '.join(classes)}."
        )

    def index_of(cell: Any, where: str) -> int | None:
        name = "" if cell is None else str(cell).strip().casefold()
        if not name:
            return None
        if name in names:
            return names[name]
        try:
            number = float(name)
        except ValueError:
            number = -1.0
        if number not in range(len(numbered)):
            raise DataError(
                f"{where}, column {CLASS_COLUMN}: {name[:20]!r} is neither a class ({', '.join(classes)}) "
                f"nor a number from 0 to {len(numbered) - 1}."
            )
        return names[numbered[int(number)].casefold()]

    return index_of


def _one_hot(index: int | None, n_classes: int) -> list[float]:
    return [math.nan if index is None else float(place == index) for place in range(n_classes)]


def _distribution(shares: list[float], where: str) -> list[float]:
    """A row over one column per class; masked whole unless each was looked at."""
    if any(math.isnan(share) for share in shares):
        return [math.nan] * len(shares)
    if abs(sum(shares) - 1) > 0.01:
        raise DataError(f"{where}: the classes sum to {sum(shares):g}, not 1: each row has one class.")
    return shares


def _number(cell: Any, where: str, top: float = 1.0) -> float:
    """A cell from 0 to ``top``; NaN where it is empty."""
    if cell is None or cell == "":
        return math.nan
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= top:
        raise DataError(f"{where}: {str(cell)[:20]!r} is not a number from 0 to {top:g}.")
    return value
