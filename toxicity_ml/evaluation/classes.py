"""Single-label figures: one class a row, the most probable one predicted."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from toxicity_ml.evaluation.metrics import MIN_POSITIVES, evaluate, figure
from toxicity_ml.evaluation.resampling import RESAMPLES, resampled_sums


def evaluate_classes(
    scores: np.ndarray,
    targets: np.ndarray,
    classes: Sequence[str],
    *,
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    min_positives: int = 0,
) -> dict[str, Any]:
    """Accuracy and confusion of a single-label model, and ``evaluate``'s figures for each class.

    scores: float (n, n_classes), softmax probabilities. targets: float (n, n_classes), one-hot; rows with NaN
    are left out. weights: float (n,), 1 each by default.

    Returns what ``evaluate`` does (``threshold`` is None: the most probable class is taken) and ``"accuracy":
    {value, low, high}``, ``"confusion": {true class: {"rows", "too_few", "predicted": {class: {value, low,
    high} or None}}}``, shares of the true class, and ``"confusion_counts"``, rows without weights.
    """
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    known = ~np.isnan(targets).any(axis=1)
    scores, targets, weights = scores[known], targets[known], weights[known]
    predicted, true = most_probable(scores), targets >= 0.5
    report = evaluate(
        scores,
        targets,
        [0.5] * len(classes),
        classes,
        weights=weights,
        resamples=resamples,
        seed=seed,
        min_positives=min_positives,
        flagged=predicted,
    )
    for values in report["labels"].values():
        values["threshold"] = None
    cells = (true[:, :, None] & predicted[:, None, :]).reshape(len(scores), -1)
    sums = resampled_sums(cells, weights, resamples, seed).reshape(-1, len(classes), len(classes))
    with np.errstate(divide="ignore", invalid="ignore"):
        accuracy = np.trace(sums, axis1=1, axis2=2) / sums.sum(axis=(1, 2))
        shares = sums / sums.sum(axis=2, keepdims=True)
    report["accuracy"] = figure(accuracy)
    report["confusion"] = {}
    report["confusion_counts"] = {}
    counts = cells.sum(axis=0).reshape(len(classes), -1).astype(int)
    for at, name in enumerate(classes):
        few = int(true[:, at].sum()) < MIN_POSITIVES
        report["confusion"][name] = {
            "rows": int(true[:, at].sum()),
            "too_few": few,
            "predicted": {
                other: None if few else figure(shares[:, at, place]) for place, other in enumerate(classes)
            },
        }
        report["confusion_counts"][name] = {
            other: int(counts[at, place]) for place, other in enumerate(classes)
        }
    return report


def most_probable(scores: np.ndarray) -> np.ndarray:
    """True at each row's most probable class, the first where several are: bool (n, n_classes)."""
    chosen: np.ndarray = np.argmax(scores, axis=1)[:, None] == np.arange(scores.shape[1])
    return chosen
