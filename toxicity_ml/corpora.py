"""Reads labelled comments into a ``datasets.Dataset`` of (text, labels, weight); trains nothing.

A label cell may be 0, 1, a probability between them, or empty: an empty label was not looked at and is
masked in training and evaluation.
"""

import csv
import gzip
import io
import math
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from toxicity_ml.errors import DataError
from toxicity_ml.labels import JIGSAW_LABELS

if TYPE_CHECKING:
    from datasets import Dataset

TEXT_COLUMNS = ("comment_text", "text")
"""Names under which the comment may stand, first match wins."""


def load(sources: Sequence[str | Path], labels: Sequence[str] = JIGSAW_LABELS) -> "Dataset":
    """Read and join Jigsaw-shaped sources, in the order given.

    A source is a ``.csv``, ``.csv.gz`` or ``.zip`` (every CSV inside) file, or a hub dataset as
    ``owner/name`` or ``owner/name:split``. Columns: a text column, one per label, optionally ``sample``
    and ``weight``.

    Returns a dataset of n rows: ``text`` str, ``labels`` list of len(labels) floats (NaN = masked),
    ``weight`` float, ``sample`` str. Raises DataError naming the source, row and column.
    """
    if not sources:
        raise DataError("No data given: name at least one CSV file or hub dataset.")
    rows: list[dict[str, Any]] = []
    for source in sources:
        rows.extend(_read(str(source), tuple(labels)))
    return from_rows(rows, labels)


def from_rows(rows: Iterable[Mapping[str, Any]], labels: Sequence[str] = JIGSAW_LABELS) -> "Dataset":
    """Make a dataset of rows that have ``text`` and ``labels``; ``weight`` is 1, ``sample`` empty if absent.

    Raises DataError when there is no row or a row has another number of labels.
    """
    from datasets import Dataset, Features, List, Value

    columns: dict[str, list[Any]] = {"text": [], "labels": [], "weight": [], "sample": []}
    for number, row in enumerate(rows, start=1):
        if len(row["labels"]) != len(labels):
            raise DataError(f"Row {number} has {len(row['labels'])} labels, {len(labels)} are expected.")
        columns["text"].append(_storable(row["text"]))
        columns["labels"].append([float(value) for value in row["labels"]])
        columns["weight"].append(float(row.get("weight", 1.0)))
        columns["sample"].append(str(row.get("sample", "")))
    if not columns["text"]:
        raise DataError("The data has no rows.")
    features = Features(
        text=Value("large_string"),
        labels=List(Value("float32")),
        weight=Value("float32"),
        sample=Value("string"),
    )
    return Dataset.from_dict(columns, features=features)


def natural_weights(labels: Sequence[Sequence[float]], patterns: Path) -> list[float]:
    """Weights that make rows with these label patterns stand for natural prevalence; mean 1 over the rows.

    ``patterns`` is a CSV with one column per label and ``rows``, the count of that combination in the natural
    population. A row's weight is the population share of its combination over its share among ``labels``. A
    combination that is not among ``labels`` goes unrepresented; one that is not in the file weighs 0.
    """
    with patterns.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        if header[-1] != "rows":
            raise DataError(f"{patterns}: the last column must be 'rows', not {header[-1]!r}.")
        population = {tuple(int(cell) for cell in line[:-1]): int(line[-1]) for line in reader}
    keys = [tuple(round(value) for value in row) for row in labels]
    here = Counter(keys)
    total = sum(population.values())
    weights = [population.get(key, 0) / total * len(keys) / here[key] for key in keys]
    mean = sum(weights) / len(weights)
    if mean == 0:
        raise DataError(f"{patterns} has none of the label combinations of the data.")
    return [weight / mean for weight in weights]


def _read(source: str, labels: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    path = Path(source)
    if path.suffix == ".zip" and path.is_file():
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".csv")]
            if not members:
                raise DataError(f"{source} holds no .csv file.")
            for name in members:
                with archive.open(name) as raw:
                    yield from _rows(
                        io.TextIOWrapper(raw, "utf-8-sig", newline=""), f"{source}:{name}", labels
                    )
    elif path.is_file():
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield from _rows(file, source, labels)
    elif path.suffix in {".csv", ".gz", ".zip", ".tsv"} or path.is_absolute() or source.count("/") != 1:
        raise DataError(f"{source} does not exist.")
    else:
        yield from _hub_rows(source, labels)


def _rows(file: TextIO | Any, source: str, labels: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default refuses a comment over 131,072 characters
    reader = csv.DictReader(file)
    try:
        text_column = _text_column(reader.fieldnames or (), source, labels)
        for number, row in enumerate(reader, start=2):
            yield _row(row, text_column, labels, f"{source}, row {number}")
    except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{source} is not readable CSV in UTF-8: {type(error).__name__}.") from error


def _hub_rows(source: str, labels: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    name, _, split = source.partition(":")
    try:
        dataset = load_dataset(name, split=split or "train")
    except Exception as error:  # the hub client raises many types: network, absence, format
        raise DataError(
            f"{source} is neither a file nor a dataset that can be had from the hub ({type(error).__name__})."
        ) from error
    text_column = _text_column(dataset.column_names, source, labels)
    for number, row in enumerate(dataset):
        yield _row(row, text_column, labels, f"{source}, row {number}")


def _text_column(names: Iterable[str], source: str, labels: tuple[str, ...]) -> str:
    names = set(names)
    missing = [label for label in labels if label not in names]
    if missing:
        raise DataError(
            f"{source} has no column {', '.join(missing)}; it has {', '.join(sorted(names)) or 'none'}."
        )
    for column in TEXT_COLUMNS:
        if column in names:
            return column
    raise DataError(f"{source} has no text column ({' or '.join(TEXT_COLUMNS)}).")


def _row(row: Mapping[str, Any], text_column: str, labels: tuple[str, ...], where: str) -> dict[str, Any]:
    text = row[text_column]
    if text is None:
        raise DataError(f"{where} has no text.")
    return {
        "text": str(text),
        "labels": [_label(row[label], f"{where}, column {label}") for label in labels],
        "weight": _label(row["weight"], f"{where}, column weight", top=math.inf)
        if row.get("weight")
        else 1.0,
        "sample": row.get("sample") or "",
    }


def _label(cell: Any, where: str, top: float = 1.0) -> float:
    if cell is None or cell == "":
        return math.nan
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value <= top:
        raise DataError(f"{where}: {str(cell)[:20]!r} is not a number from 0 to {top:g}.")
    return value


def _storable(text: str) -> str:
    """Arrow holds UTF-8 only: a lone surrogate becomes the replacement character."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text
