"""Weights that make a sample stand for the population it came from."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from toxicity_ml.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset


def weighted(rows: "Dataset", patterns: str | Path | None) -> "Dataset":
    """The rows with ``natural_weights``, or as they are where there are no patterns."""
    if not patterns:
        return rows
    weights = natural_weights(rows["labels"], Path(patterns))
    return rows.remove_columns("weight").add_column("weight", weights)


def natural_weights(labels: Sequence[Sequence[float]], patterns: Path) -> list[float]:
    """Return weights by which rows with these labels stand for natural prevalence: mean 1 over the rows.

    ``patterns`` is a CSV with one column per label and ``rows``, the count of that combination in the natural
    population. A row's weight is the population share of its combination over its share among ``labels``. A
    combination that is not among ``labels`` goes unrepresented; one that is not in the file weighs 0.
    Raises DataError for a file that can't be read or has another form, a masked label, and when no
    combination is in the file.
    """
    if any(value != value for row in labels for value in row):
        raise DataError("Rows with masked labels have no combination to weigh them by: leave them out.")
    try:
        with patterns.open(encoding="utf-8-sig", newline="") as file:
            header, *lines = list(csv.reader(file)) or [[]]
    except OSError as error:
        raise DataError(f"{patterns} can't be read: {error.strerror}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{patterns} is not readable CSV in UTF-8.") from error
    if header[-1:] != ["rows"]:
        raise DataError(f"{patterns}: the last column must be 'rows', not {''.join(header[-1:])!r}.")
    try:
        population = {tuple(int(cell) for cell in line[:-1]): int(line[-1]) for line in lines if line}
    except ValueError as error:
        raise DataError(f"{patterns}: every cell must be a whole number.") from error
    total = sum(population.values())
    if total < 1:
        raise DataError(f"{patterns} counts no rows.")
    keys = [tuple(round(value) for value in row) for row in labels]
    counts = Counter(keys)
    weights = [population.get(key, 0) / total * len(keys) / counts[key] for key in keys]
    mean = sum(weights) / len(weights)
    if mean == 0:
        raise DataError(f"{patterns} has none of the label combinations of the data.")
    return [weight / mean for weight in weights]
