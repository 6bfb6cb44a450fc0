"""Tests whether one model is better than another on the same rows, by a paired bootstrap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from toxicity_ml.evaluation.metrics import MIN_POSITIVES, ranking_metrics
from toxicity_ml.evaluation.resampling import RESAMPLES, Interval, weightings


@dataclass(frozen=True)
class PairedInterval(Interval):
    """A difference, its interval, and in which share of the resamples it was above zero (ties half)."""

    share_above_zero: float

    @property
    def is_shown(self) -> bool:
        """True where zero lies outside the interval: a difference is shown at the 5 % level."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


class PairedDifference(TypedDict):
    """What ``paired_difference`` returns; None where there are too few positives."""

    mean: PairedInterval | None
    labels: dict[int, PairedInterval | None]


def paired_difference(
    truth: np.ndarray,
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    weights: np.ndarray | None = None,
    labels: Sequence[int] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedDifference:
    """Average precision of b minus that of a, per label and as the mean of the labels, on the same draws.

    truth: float or bool (n, n_labels), positive from 0.5, NaN = masked. scores_a, scores_b: float
    (n, n_labels), any scale. weights: float (n,), 1 each by default. labels: columns to compare, all by
    default. A label with fewer than MIN_POSITIVES positives of positive weight is None and stays out of the
    mean; the mean is None when no label has enough. Paired: what is hard in a resample is hard for both
    (Efron & Tibshirani 1993, section 16.4; Berg-Kirkpatrick et al. 2012).
    """
    truth = np.asarray(truth, dtype=float)
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=float)
    columns = list(range(truth.shape[1])) if labels is None else list(labels)
    known = ~np.isnan(truth)
    positive = known & (np.nan_to_num(truth) >= 0.5)
    enough = [column for column in columns if (positive[:, column] & (weights > 0)).sum() >= MIN_POSITIVES]
    by_block: list[np.ndarray] = []
    for block in weightings(weights, resamples, seed):
        differences = np.empty((len(block), len(enough)))
        for place, column in enumerate(enough):
            rows = known[:, column]
            of_a, of_b = (
                ranking_metrics(positive[rows, column], scores[rows, column], block[:, rows])[1]
                for scores in (scores_a, scores_b)
            )
            differences[:, place] = of_b - of_a
        by_block.append(differences)
    every = np.concatenate(by_block)
    answer: dict[int, PairedInterval | None] = dict.fromkeys(columns)
    for place, column in enumerate(enough):
        answer[column] = _paired(every[:, place])
    return {"mean": _paired(every.mean(axis=1)) if enough else None, "labels": answer}


def _paired(values: np.ndarray) -> PairedInterval:
    rest = values[1:][~np.isnan(values[1:])]
    if not len(rest):
        rest = values[:1]
    low, high = np.percentile(rest, [2.5, 97.5])
    share = float(np.mean(rest > 0) + np.mean(rest == 0) / 2)
    return PairedInterval(float(values[0]), float(low), float(high), share)
