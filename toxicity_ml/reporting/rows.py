"""Labelled rows as arrays, and the models that score them, for every section of the report."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from toxicity_ml.errors import DataError
from toxicity_ml.labels import MULTI_LABEL, SINGLE_LABEL

if TYPE_CHECKING:
    from toxicity_ml.corpora import Columns

NATURAL = "natural"
"""The ``sample`` of rows that were drawn as they came, so that their class balance is the real one."""


@dataclass(frozen=True)
class Rows:
    """n labelled texts under a name."""

    name: str
    texts: tuple[str, ...]
    targets: np.ndarray
    """float (n, n_labels), NaN = masked."""
    weights: np.ndarray
    """float (n,), how many rows of the population each row stands for."""
    samples: tuple[str, ...]
    """How each row was drawn, empty where the file doesn't say."""
    origins: tuple[tuple[str, int], ...]
    """(file, number of the row in it, from 1) of each row."""

    def chosen(self, which: np.ndarray, name: str | None = None) -> "Rows":
        """The rows at these places, bool or int (k,)."""
        places = np.arange(len(self.texts))[which]
        return Rows(
            self.name if name is None else name,
            tuple(self.texts[at] for at in places),
            self.targets[places],
            self.weights[places],
            tuple(self.samples[at] for at in places),
            tuple(self.origins[at] for at in places),
        )

    def of_labels(self, places: Sequence[int]) -> "Rows":
        """The same rows with these labels' targets only."""
        return replace(self, targets=self.targets[:, list(places)])

    def weighted(self, weights: np.ndarray, name: str) -> "Rows":
        """The same rows under another name, standing for another population."""
        return replace(self, weights=np.asarray(weights, dtype=float), name=name)


@dataclass(frozen=True)
class Scorer:
    """Something that scores texts: a model version, or the baseline that it must beat."""

    name: str
    predict: Callable[[Sequence[str]], np.ndarray]
    """Texts -> probabilities, float (n_texts, n_labels)."""
    thresholds: tuple[float, ...]
    """One for each label; of no matter where the task is single-label."""
    labels: tuple[str, ...]
    task: str = MULTI_LABEL

    @property
    def is_single_label(self) -> bool:
        return self.task == SINGLE_LABEL

    def of_labels(self, places: Sequence[int]) -> "Scorer":
        """The same scorer with these of its labels only."""
        chosen = list(places)
        return replace(
            self,
            predict=lambda texts: self.predict(texts)[:, chosen],
            thresholds=tuple(self.thresholds[place] for place in chosen),
            labels=tuple(self.labels[place] for place in chosen),
        )

    def flags(self, scores: np.ndarray) -> np.ndarray:
        """Return the predicted labels, bool (n, n_labels): at or over threshold, or the likeliest class."""
        from toxicity_ml.evaluation import most_probable

        return most_probable(scores) if self.is_single_label else scores >= np.asarray(self.thresholds)


def load_rows(
    source: str, labels: Sequence[str], task: str, name: str, columns: "Columns | None" = None
) -> Rows:
    """The rows of one file or hub dataset, under a name. columns: as of ``corpora.read``.

    Raises DataError.
    """
    from toxicity_ml import corpora

    rows = corpora.read([source], labels, task, columns or corpora.BY_NAME)
    return Rows(
        name,
        tuple(row["text"] for row in rows),
        np.array([row["labels"] for row in rows], dtype=np.float64),
        np.array([row["weight"] for row in rows], dtype=np.float64),
        tuple(str(row["sample"]) for row in rows),
        tuple((name, number) for number in range(1, len(rows) + 1)),
    )


def load_rows_apart(
    source: str, labels: Sequence[str], task: str, name: str, columns: "Columns | None", by: str
) -> list[Rows]:
    """The rows of one file or hub dataset, those with each value of a column under a name of their own.

    by: ``source`` or ``sample``, as of ``corpora.load``. Ordered by value; without one: "(none)".
    Raises DataError.
    """
    from toxicity_ml import corpora

    rows = load_rows(source, labels, task, name, columns)
    values = [str(row[by]) for row in corpora.read([source], labels, task, columns or corpora.BY_NAME)]
    return [
        rows.chosen(np.array([value == chosen for value in values]), f"{name}: {chosen or '(none)'}")
        for chosen in sorted(set(values))
    ]


def joined(parts: Sequence[Rows], name: str) -> Rows:
    """Join the rows of several files. Raises DataError when they have no rows."""
    if not parts:
        raise DataError("No data given: name at least one CSV file or hub dataset.")
    return Rows(
        name,
        tuple(text for part in parts for text in part.texts),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
        tuple(sample for part in parts for sample in part.samples),
        tuple(origin for part in parts for origin in part.origins),
    )


def judged_labels(parts: Sequence[Rows], labels: Sequence[str]) -> list[int]:
    """Places of the labels that some row of some part has been judged by. Raises DataError for none."""
    places = [
        place
        for place in range(len(labels))
        if any((~np.isnan(part.targets[:, place])).any() for part in parts)
    ]
    if not places:
        raise DataError(f"No row has been judged by any of the labels {', '.join(labels)}.")
    return places


def natural(rows: Rows) -> tuple[np.ndarray, str]:
    """Which rows are natural comments, bool (n,), and what was taken for them, in words for the report."""
    drawn = np.array([sample == NATURAL for sample in rows.samples], dtype=bool)
    if drawn.any():
        return drawn, "rows whose sample is 'natural', each counted once"
    return np.ones(len(rows.texts), dtype=bool), "all rows as weighted, since no row's sample is 'natural'"
