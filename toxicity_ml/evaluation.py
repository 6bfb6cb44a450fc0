"""How good scores are: per-label metrics with bootstrap intervals, Platt calibration, thresholds.

Takes arrays, returns numbers; loads no model and reads no file. Needs scikit-learn, not torch.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

MIN_POSITIVES = 20
"""Below so many positives a label's figure is too uncertain to choose a model by."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def evaluate(
    scores: np.ndarray,
    targets: np.ndarray,
    thresholds: Sequence[float],
    labels: Sequence[str],
    *,
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Precision, recall and F1 at the thresholds, ROC AUC and average precision per label; macro and micro.

    scores, targets: float (n, n_labels); targets NaN = masked, else positive from 0.5. thresholds: n_labels.
    weights: float (n,), how many rows of the population each row stands for; 1 each by default.

    Returns JSON-ready ``{"rows", "labels": {label: {"positives", "threshold", metric: {value, low, high}}},
    "macro": {metric: value}, "micro": {metric: {value, low, high}}}``. A metric that is undefined (no
    positive, no negative) is None. Macro figures average the labels in which they are defined.
    """
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    generator = np.random.default_rng(seed)
    draws = _bootstrap_counts(len(scores), resamples, generator) * weights[None, :]
    every = np.concatenate([weights[None, :], draws])
    known = ~np.isnan(targets)
    truth = np.where(known, targets, 0.0) >= 0.5
    over = scores >= np.asarray(thresholds)[None, :]
    report: dict[str, Any] = {"rows": len(scores), "labels": {}}
    counts = np.zeros((3, len(every)))
    for index, label in enumerate(labels):
        rows = known[:, index]
        confusion = _confusion(over[rows, index], truth[rows, index], every[:, rows])
        counts += confusion
        found = _threshold_metrics(confusion)
        ranking = ranking_metrics(truth[rows, index], scores[rows, index], every[:, rows])
        found["roc_auc"], found["average_precision"] = ranking
        report["labels"][label] = {
            "positives": int(truth[rows, index].sum()),
            "threshold": float(thresholds[index]),
            **{name: _interval(values) for name, values in found.items()},
        }
    report["micro"] = {name: _interval(values) for name, values in _threshold_metrics(counts).items()}
    report["macro"] = _macro(report["labels"])
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
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # ties count as one step
    sorted_weights, sorted_truth = weights[:, order], truth[order]
    true = np.cumsum(sorted_weights * sorted_truth, axis=1)[:, ends]
    false = np.cumsum(sorted_weights * ~sorted_truth, axis=1)[:, ends]
    steps = np.diff(true, axis=1, prepend=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(true + false > 0, true / (true + false), 0.0)
        average = np.where(true[:, -1] > 0, (precision * steps).sum(axis=1) / true[:, -1], np.nan)
        width = np.diff(false, axis=1, prepend=0.0)
        area = ((true - steps / 2) * width).sum(axis=1) / (true[:, -1] * false[:, -1])
    return area, average


def fit_platt(logits: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of sigmoid(slope * logit + intercept), by weighted maximum likelihood (Platt 1999).

    logits, weights: float (n,). truth: bool (n,). With fewer than MIN_POSITIVES positives or negatives the
    slope stays 1 and only the prevalence is corrected; with none of either, (1, 0).
    """
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return 1.0, 0.0
    if min(positives, negatives) >= MIN_POSITIVES:
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1e4, max_iter=1000)
        model.fit(logits[:, None], truth, sample_weight=weights)
        if model.coef_[0, 0] > 0:
            return float(model.coef_[0, 0]), float(model.intercept_[0])
    return 1.0, _intercept(logits, float((weights * truth).sum() / weights.sum()), weights)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow, any shape."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64)))


def best_threshold(probabilities: np.ndarray, weights: np.ndarray, lowest: float = 0.05) -> float:
    """The threshold of greatest expected F1, 2 E[TP] / (E[flagged] + E[positive]), of calibrated scores.

    Needs no labels and so is as steady for a rare label as its calibration (Ye et al. 2012, section 3).
    probabilities, weights: float (n,). Returns a probability in [lowest, 1).
    """
    order = np.argsort(-probabilities, kind="stable")
    sorted_scores, sorted_weights = probabilities[order], weights[order]
    hits = np.cumsum(sorted_scores * sorted_weights)
    expected = 2 * hits / (np.cumsum(sorted_weights) + hits[-1] + 1e-12)
    at = int(np.argmax(expected))
    below = sorted_scores[at + 1] if at + 1 < len(sorted_scores) else 0.0
    return float(np.clip((sorted_scores[at] + below) / 2, lowest, 0.99))


def calibration_error(probabilities: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Brier skill score against the prevalence, and predicted over observed positives.

    probabilities, weights: float (n,). truth: bool (n,). NaN where there is no positive or no negative.
    """
    if not len(truth):  # a label that nobody looked at
        return {"brier_skill": float("nan"), "predicted_over_observed": float("nan")}
    share = float(np.average(truth, weights=weights))
    if share in (0.0, 1.0):
        return {"brier_skill": float("nan"), "predicted_over_observed": float("nan")}
    brier = float(np.average((probabilities - truth) ** 2, weights=weights))
    predicted = float(np.average(probabilities, weights=weights))
    return {"brier_skill": 1 - brier / (share * (1 - share)), "predicted_over_observed": predicted / share}


def _intercept(logits: np.ndarray, share: float, weights: np.ndarray) -> float:
    """The shift after which the mean probability is ``share``, by bisection."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if np.average(sigmoid(logits + middle), weights=weights) < share else (low, middle)
        )
    return (low + high) / 2


def _bootstrap_counts(rows: int, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """How often each row is drawn in each resample: float32 (resamples, rows)."""
    draws = generator.integers(0, max(rows, 1), size=(resamples, rows))
    counts = np.zeros((resamples, rows), dtype=np.float32)
    np.add.at(counts, (np.arange(resamples)[:, None], draws), 1)
    return counts


def _confusion(over: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """True positives, false positives and false negatives for each weighting: float (3, k)."""
    return np.stack([weights @ (over & truth), weights @ (over & ~truth), weights @ (~over & truth)])


def _threshold_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    true, false, missed = confusion
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "precision": np.where(true + false > 0, true / (true + false), np.nan),
            "recall": np.where(true + missed > 0, true / (true + missed), np.nan),
            "f1": np.where(true + false + missed > 0, 2 * true / (2 * true + false + missed), np.nan),
        }


def _interval(values: np.ndarray) -> dict[str, float] | None:
    """The first value is the figure, the others its resamples."""
    if np.isnan(values[0]):
        return None
    rest = values[1:][~np.isnan(values[1:])]
    low, high = np.percentile(rest, [2.5, 97.5]) if len(rest) else (values[0], values[0])
    return asdict(Interval(float(values[0]), float(low), float(high)))


def _macro(labels: dict[str, Any]) -> dict[str, float | None]:
    macro: dict[str, float | None] = {}
    for metric in ("precision", "recall", "f1", "roc_auc", "average_precision"):
        found = [values[metric]["value"] for values in labels.values() if values[metric] is not None]
        macro[metric] = float(np.mean(found)) if found else None
    return macro
