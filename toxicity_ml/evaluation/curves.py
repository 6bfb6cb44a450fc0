"""Curves with bootstrap bands: precision-recall, ROC, and each metric by threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toxicity_ml.evaluation.metrics import figure, ranked_counts, threshold_metrics
from toxicity_ml.evaluation.resampling import RESAMPLES, weightings

RECALL_GRID = np.linspace(0.0, 1.0, 51)
FALSE_POSITIVE_GRID = np.concatenate([[0.0], np.geomspace(0.001, 1.0, 49)])
"""Even in the logarithm: a site lives where one comment in a hundred is flagged wrongly, not one in two."""
THRESHOLD_GRID = np.linspace(0.01, 0.99, 50)


FALSE_POSITIVE_RATES = (0.01, 0.03, 0.05)
"""Shares of the clean rows flagged for nothing at which recall is read."""


@dataclass(frozen=True)
class Curve:
    """y over x with its pointwise 95 % band; all float (m,). NaN where undefined."""

    x: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def as_json(self) -> dict[str, list[float | None]]:
        """The four as lists of numbers with four places, None where undefined."""
        return {
            name: [round(float(value), 4) if np.isfinite(value) else None for value in values]
            for name, values in vars(self).items()
        }


def curves(
    truth: np.ndarray,
    scores: np.ndarray,
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Curve]:
    """The curves of one label: ``precision_recall``, ``roc``; ``precision``, ``recall``, ``f1`` by threshold.

    truth: bool (n,). scores: float (n,), probabilities where the thresholds are to mean something. weights:
    float (n,), 1 each by default. Precision at a recall is that of the highest threshold which reaches it,
    without interpolation between points (Davis & Goadrich 2006); the true positive rate at a false positive
    rate is the highest that does not exceed it.
    """
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=float)
    grids = {
        "precision_recall": RECALL_GRID,
        "roc": FALSE_POSITIVE_GRID,
        **dict.fromkeys(("precision", "recall", "f1"), THRESHOLD_GRID),
    }
    by_name: dict[str, list[np.ndarray]] = {name: [] for name in grids}
    for block in weightings(weights, resamples, seed):
        distinct, true, false = ranked_counts(truth, scores, block)
        for counts in zip(true, false, strict=True):
            by_name["precision_recall"].append(_precision_at_recall(*counts))
            by_name["roc"].append(_rate_at_false_positives(*counts))
        # how many distinct scores reach each threshold, so where the running counts stand there
        ends = np.searchsorted(-distinct, -THRESHOLD_GRID, side="right")
        flagged_true = np.concatenate([np.zeros((len(block), 1)), true], axis=1)[:, ends]
        flagged_false = np.concatenate([np.zeros((len(block), 1)), false], axis=1)[:, ends]
        missed = true[:, -1:] - flagged_true
        for name, values in threshold_metrics(np.stack([flagged_true, flagged_false, missed])).items():
            by_name[name].extend(values)
    return {name: _banded(grids[name], np.stack(rows)) for name, rows in by_name.items()}


def recall_at_false_positive_rates(
    truth: np.ndarray,
    scores: np.ndarray,
    weights: np.ndarray | None = None,
    rates: Sequence[float] = FALSE_POSITIVE_RATES,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, dict[str, float] | None]:
    """{rate as text: {value, low, high}}: the recall of the lowest threshold that flags no more than this
    share of the negatives; None where there is no positive or no negative.

    truth: bool (n,). scores: float (n,), of any scale. weights: float (n,), 1 each by default. The interval
    is the bootstrap's over the rows, which moves the threshold along.
    """
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=float)
    grid = np.asarray(rates, dtype=float)
    found: list[np.ndarray] = []
    for block in weightings(weights, resamples, seed):
        _, true, false = ranked_counts(truth, scores, block)
        found += [_rate_at_false_positives(*counts, grid) for counts in zip(true, false, strict=True)]
    by_rate = np.stack(found, axis=1)
    return {f"{rate:g}": figure(values) for rate, values in zip(rates, by_rate, strict=True)}


def _precision_at_recall(true: np.ndarray, false: np.ndarray) -> np.ndarray:
    if not true[-1]:
        return np.full(len(RECALL_GRID), np.nan)
    at = np.searchsorted(true, RECALL_GRID * true[-1] * (1 - 1e-9), side="left")
    at = np.minimum(at, len(true) - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision: np.ndarray = true[at] / (true[at] + false[at])
    return precision


def _rate_at_false_positives(
    true: np.ndarray, false: np.ndarray, grid: np.ndarray = FALSE_POSITIVE_GRID
) -> np.ndarray:
    if not (true[-1] and false[-1]):
        return np.full(len(grid), np.nan)
    at = np.searchsorted(false, grid * false[-1] * (1 + 1e-9), side="right") - 1
    return np.where(at < 0, 0.0, true[at] / true[-1])


def _banded(grid: np.ndarray, rows: np.ndarray) -> Curve:
    """The first row is the curve, the others its resamples."""
    low, high = np.full(len(grid), np.nan), np.full(len(grid), np.nan)
    drawn = rows[1:]
    defined = ~np.isnan(drawn).all(axis=0) if len(drawn) else np.zeros(len(grid), dtype=bool)
    if defined.any():
        low[defined], high[defined] = np.nanpercentile(drawn[:, defined], [2.5, 97.5], axis=0)
    return Curve(grid, rows[0], low, high)
