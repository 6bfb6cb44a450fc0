"""Precision, recall, F1, ROC AUC and average precision per label, weighted, each with its interval."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from toxicity_ml.evaluation.resampling import RESAMPLES, interval, weightings

MIN_POSITIVES = 20
"""Positives that a label's figure needs at least to choose a model by it."""
METRICS = ("precision", "recall", "f1", "roc_auc", "average_precision")


def evaluate(
    scores: np.ndarray,
    targets: np.ndarray,
    thresholds: Sequence[float],
    labels: Sequence[str],
    *,
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    min_positives: int = 0,
    flagged: np.ndarray | None = None,
) -> dict[str, Any]:
    """Precision, recall and F1 at the thresholds, ROC AUC and average precision per label; macro and micro.

    scores, targets: float (n, n_labels); targets NaN = masked, else positive from 0.5. thresholds: n_labels.
    weights: float (n,), how many rows of the population each row stands for; 1 each by default.
    min_positives: a label with fewer positives gets None for every metric and stays out of the macro figures.
    flagged: bool (n, n_labels), what counts as predicted where that isn't being at or over the threshold.

    Returns JSON-ready ``{"rows", "labels": {label: {"positives", "too_few", "threshold", metric: {value, low,
    high}}}, "macro": {metric: value}, "macro_intervals", "micro": {metric: {value, low, high}}}``. A metric
    that is undefined (no positive, no negative) is None; ``too_few`` says that there are fewer than
    MIN_POSITIVES positives. Macro figures average the labels in which they are defined.
    """
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    known = ~np.isnan(targets)
    truth = np.where(known, targets, 0.0) >= 0.5
    over = scores >= np.asarray(thresholds)[None, :] if flagged is None else flagged
    by_label: dict[str, list[np.ndarray]] = {}
    for block in weightings(weights, resamples, seed):
        counts = np.zeros((3, len(block)))
        for index, label in enumerate(labels):
            rows = known[:, index]
            weighting = block[:, rows]
            confusion = confusion_counts(over[rows, index], truth[rows, index], weighting)
            counts += confusion
            ranking = ranking_metrics(truth[rows, index], scores[rows, index], weighting)
            by_label.setdefault(label, []).append(
                np.stack([*threshold_metrics(confusion).values(), *ranking])
            )
        by_label.setdefault("", []).append(np.stack(list(threshold_metrics(counts).values())))
    report: dict[str, Any] = {"rows": len(scores), "labels": {}}
    counted: list[np.ndarray] = []
    for index, label in enumerate(labels):
        values = np.concatenate(by_label[label], axis=1)
        positives = int(truth[known[:, index], index].sum())
        shown = positives >= min_positives
        if shown:
            counted.append(values)
        report["labels"][label] = {
            "positives": positives,
            "too_few": positives < MIN_POSITIVES,
            "threshold": float(thresholds[index]),
            **{name: figure(values[at]) if shown else None for at, name in enumerate(METRICS)},
        }
    micro = np.concatenate(by_label[""], axis=1)
    report["micro"] = {name: figure(micro[at]) for at, name in enumerate(METRICS[:3])}
    report["macro_intervals"] = {name: _macro(counted, at) for at, name in enumerate(METRICS)}
    report["macro"] = {
        name: None if of_all is None else of_all["value"]
        for name, of_all in report["macro_intervals"].items()
    }
    return report


def weighted_average_precision(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Average precision, sum of precision times the step in recall over distinct scores, rows weighted.

    truth: bool (n,). scores, weights: float (n,). NaN when there is no positive.
    """
    return float(ranking_metrics(truth, scores, np.asarray(weights, dtype=float)[None, :])[1][0])


def ranking_metrics(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """ROC AUC and average precision for many weightings of the same rows at once.

    truth: bool (n,). scores: float (n,). weights: float (k, n). Returns two float (k,) arrays, NaN where
    undefined; they equal scikit-learn's ``roc_auc_score`` and ``average_precision_score``.
    """
    if len(truth) == 0:
        nothing = np.full(len(weights), np.nan)
        return nothing, nothing
    _, true, false = ranked_counts(truth, scores, weights)
    steps = np.diff(true, axis=1, prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(true + false > 0, true / (true + false), 0.0)
        average = np.where(true[:, -1] > 0, (precision * steps).sum(axis=1) / true[:, -1], np.nan)
        width = np.diff(false, axis=1, prepend=0.0)
        area = ((true - steps / 2) * width).sum(axis=1) / (true[:, -1] * false[:, -1])
    return area, average


def ranked_counts(
    truth: np.ndarray, scores: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The m distinct scores, highest first, and what is true and false at or over each, by weighting.

    truth: bool (n,). scores: float (n,). weights: float (k, n). Returns float (m,), (k, m), (k, m).
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # ties count as one step
    sorted_weights, sorted_truth = weights[:, order], truth[order]
    true = np.cumsum(sorted_weights * sorted_truth, axis=1)[:, ends]
    false = np.cumsum(sorted_weights * ~sorted_truth, axis=1)[:, ends]
    return scores[order][ends], true, false


def confusion_counts(over: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """True positives, false positives and false negatives for each weighting: float (3, k).

    over, truth: bool (n,). weights: float (k, n).
    """
    kinds = np.stack([over & truth, over & ~truth, ~over & truth], axis=1).astype(float)
    counts: np.ndarray = (weights @ kinds).T
    return counts


def threshold_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1 of float (3, k) counts; NaN where undefined."""
    true, false, missed = confusion
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "precision": np.where(true + false > 0, true / (true + false), np.nan),
            "recall": np.where(true + missed > 0, true / (true + missed), np.nan),
            "f1": np.where(true + false + missed > 0, 2 * true / (2 * true + false + missed), np.nan),
        }


def figure(values: np.ndarray) -> dict[str, float] | None:
    """``{value, low, high}`` of a value and its resamples, None where it is undefined; JSON-ready."""
    bounds = interval(values)
    return None if bounds is None else asdict(bounds)


def _macro(labels: Sequence[np.ndarray], at: int) -> dict[str, float] | None:
    """The mean over the labels in which the metric is defined, in each resample."""
    defined = [values[at] for values in labels if not np.isnan(values[at, 0])]
    return figure(np.mean(defined, axis=0)) if defined else None
