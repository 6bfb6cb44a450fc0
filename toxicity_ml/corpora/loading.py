"""Reads sources into a dataset: the one entry to labelled data of either task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toxicity_ml.corpora.labelling import BY_NAME, Columns, labelled, text_column
from toxicity_ml.corpora.reading import tables
from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS, MULTI_LABEL, SINGLE_LABEL

if TYPE_CHECKING:
    from datasets import Dataset


def load(
    sources: Sequence[str | Path],
    labels: Sequence[str] = JIGSAW_LABELS,
    task: str = MULTI_LABEL,
    columns: Columns = BY_NAME,
) -> "Dataset":
    """Read and join sources, in the order given.

    A source is a ``.csv`` or ``.tsv`` file, either of them with ``.gz``, a ``.zip`` of such files, or a hub
    dataset as ``owner/name`` or ``owner/name:split``. Columns: a text column (``comment_text``, ``text`` or
    ``sentence``), and optionally ``sample`` (how the row was drawn), ``weight`` and ``source`` (of which text
    it is a copy, see :func:`split`). For "multi_label" one column per label. For "single_label", whose
    ``labels`` are the classes, either a column ``label`` that holds a class's name or its index, or one
    column per class. A ``.tsv`` without a header is SST-2's: sentence, tab, label.

    columns: where the text and labels stand, if elsewhere.

    Returns a dataset of n rows: ``text`` str, ``labels`` list of len(labels) floats (NaN = masked; one-hot
    for "single_label", all NaN where the class is empty), ``weight`` float, ``sample`` and ``source`` str.
    Raises DataError naming the source, row and column, and ValueError for an unknown task.
    """
    return from_rows(read(sources, labels, task, columns), labels)


def read(
    sources: Sequence[str | Path],
    labels: Sequence[str] = JIGSAW_LABELS,
    task: str = MULTI_LABEL,
    columns: Columns = BY_NAME,
) -> list[dict[str, Any]]:
    """Read what ``load`` reads as a list of rows: only a hub dataset then needs the package ``datasets``.

    Raises DataError as ``load`` does, for data without any row too.
    """
    if not sources:
        raise DataError("No data given: name at least one CSV or TSV file or hub dataset.")
    rows: list[dict[str, Any]] = []
    for source in sources:
        for table in tables(str(source), headerless=task == SINGLE_LABEL):
            rows.extend(labelled(table, tuple(labels), task, columns))
    if not rows:
        raise DataError("The data has no rows.")
    return rows


def texts(sources: Sequence[str | Path]) -> list[str]:
    """Read the texts of sources as ``load`` takes them, whatever labels they have; no empty ones.

    Raises DataError when a source cannot be read or has no column of text.
    """
    found: list[str] = []
    for source in sources:
        for table in tables(str(source)):
            column = text_column(table.source, table.columns)
            found.extend(_storable(str(row[column])) for _, row in table.rows if row[column])
    return found


def from_rows(rows: Iterable[Mapping[str, Any]], labels: Sequence[str] = JIGSAW_LABELS) -> "Dataset":
    """Make a dataset of rows that have ``text`` and ``labels``; ``weight`` is 1, the others empty if absent.

    Raises DataError when there is no row or a row has another number of labels.
    """
    from datasets import Dataset, Features, List, Value

    columns: dict[str, list[Any]] = {"text": [], "labels": [], "weight": [], "sample": [], "source": []}
    for number, row in enumerate(rows, start=1):
        if len(row["labels"]) != len(labels):
            raise DataError(f"Row {number} has {len(row['labels'])} labels, {len(labels)} are expected.")
        columns["text"].append(_storable(row["text"]))
        columns["labels"].append([float(value) for value in row["labels"]])
        columns["weight"].append(float(row.get("weight", 1.0)))
        columns["sample"].append(str(row.get("sample", "")))
        columns["source"].append(_storable(str(row.get("source", ""))))
    if not columns["text"]:
        raise DataError("The data has no rows.")
    features = Features(
        text=Value("large_string"),
        labels=List(Value("float32")),
        weight=Value("float32"),
        sample=Value("string"),
        source=Value("string"),
    )
    return Dataset.from_dict(columns, features=features)


def _storable(text: str) -> str:
    """Replace lone surrogates, which Arrow, holding UTF-8 only, refuses."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
