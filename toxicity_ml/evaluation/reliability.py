"""Measures whether scores are probabilities: reliability by bin, slope and intercept, ECE, Brier skill."""

from typing import Any

import numpy as np

from toxicity_ml.activations import sigmoid
from toxicity_ml.evaluation.metrics import figure
from toxicity_ml.evaluation.resampling import RESAMPLES, weightings

SURE = 0.05
"""Scores below this are nearly all right and nearly all scores: they would hide the error of the others."""
BINS = 10
_STEPS = 25


def reliability(
    probabilities: np.ndarray,
    truth: np.ndarray,
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Calibration of one label's scores, each figure with its interval.

    probabilities: float (n,). truth: bool (n,). weights: float (n,), 1 each by default.

    Returns JSON-ready ``{"slope", "intercept", "ece_over_0.05", "brier_skill", "predicted_over_observed":
    {value, low, high} or None, "bins": [{predicted, observed: {value, low, high}, rows}]}``. Slope and
    intercept are those of the logistic regression of the truth on the score's logit, 1 and 0 when calibrated
    (Cox 1958). The expected calibration error is taken over BINS bins of equal weight among scores of at
    least SURE (Naeini et al. 2015); a binned error is biased upwards in small samples, and its interval with
    it (Kumar et al. 2019). The first bin is all scores under SURE. Brier skill is against the prevalence.
    """
    weights = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=float)
    probabilities = np.asarray(probabilities, dtype=float)
    edges = _edges(probabilities, weights)
    place = np.searchsorted(edges, probabilities, side="right")
    bins = (place[:, None] == np.arange(len(edges) + 1)).astype(float)
    sums = np.concatenate([bins, bins * probabilities[:, None], bins * truth[:, None]], axis=1)
    squares = (probabilities - truth) ** 2
    logits = np.clip(np.log(np.maximum(probabilities, 1e-9) / np.maximum(1 - probabilities, 1e-9)), -12, 12)
    start: np.ndarray | None = None
    by_name: dict[str, list[np.ndarray]] = {}
    observed: list[np.ndarray] = []
    for block in weightings(weights, resamples, seed):
        mass, predicted, positive = np.split(block @ sums, 3, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            total = mass.sum(axis=1)
            share = positive.sum(axis=1) / total
            brier = (block @ squares) / total
            gaps = np.abs(predicted - positive)[:, 1:].sum(axis=1)
            figures = {
                "ece_over_0.05": gaps / mass[:, 1:].sum(axis=1),
                "brier_skill": 1 - brier / (share * (1 - share)),
                "predicted_over_observed": predicted.sum(axis=1) / positive.sum(axis=1),
            }
            observed.append(positive / mass)
        fitted = _logistic(logits, truth, block, start)
        start = fitted[0] if start is None else start
        figures["slope"], figures["intercept"] = fitted[:, 1], fitted[:, 0]
        for name, values in figures.items():
            by_name.setdefault(name, []).append(np.where(np.isfinite(values), values, np.nan))
    every = np.concatenate(observed)
    own = weights @ sums
    count = len(edges) + 1
    return {
        **{name: figure(np.concatenate(values)) for name, values in by_name.items()},
        "bins": [
            {
                "predicted": float(own[count + at] / own[at]),
                "observed": figure(every[:, at]),
                "rows": int(bins[:, at].sum()),
            }
            for at in range(count)
            if own[at] > 0
        ],
    }


def _edges(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Where the bins begin, without the first: SURE, then quantiles of the weight at or over it."""
    over = np.sort(probabilities[(probabilities >= SURE) & (weights > 0)])
    if not len(over):
        return np.array([SURE])
    order = np.argsort(probabilities, kind="stable")
    order = order[probabilities[order] >= SURE]
    running = np.cumsum(weights[order])
    at = np.searchsorted(running, running[-1] * np.arange(1, BINS) / BINS)
    return np.unique(np.append(SURE, probabilities[order][at]))


def _logistic(
    logits: np.ndarray, truth: np.ndarray, weights: np.ndarray, start: np.ndarray | None
) -> np.ndarray:
    """Intercept and slope by Newton's method for many weightings at once: float (k, 2), NaN without both
    classes or when they can be separated.

    logits: float (n,). truth: bool (n,). weights: float (k, n). start: float (2,).
    """
    coefficients = np.tile(np.array([0.0, 1.0]) if start is None else np.nan_to_num(start), (len(weights), 1))
    for _ in range(_STEPS):
        predicted = sigmoid(coefficients[:, :1] + coefficients[:, 1:] * logits)
        error = weights * (truth - predicted)
        spread = weights * predicted * (1 - predicted)
        slope, base = error @ logits, error.sum(axis=1)
        first, cross, second = spread.sum(axis=1), spread @ logits, spread @ logits**2
        with np.errstate(divide="ignore", invalid="ignore"):
            determinant = first * second - cross**2
            step = np.stack(
                [
                    (second * base - cross * slope) / determinant,
                    (first * slope - cross * base) / determinant,
                ],
                axis=1,
            )
        step = np.clip(np.nan_to_num(step), -2.0, 2.0)  # one resample may be separable: it must not run away
        coefficients += step
        if np.abs(step).max() < 1e-6:
            break
    positive = weights @ truth
    lost = (positive <= 0) | (positive >= weights.sum(axis=1)) | (np.abs(coefficients).max(axis=1) > 30)
    coefficients[lost] = np.nan
    return coefficients
