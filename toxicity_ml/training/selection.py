"""Computes the figure by which the best checkpoint is chosen: average precision of several labels, accuracy
of one of several classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from toxicity_ml.evaluation import MIN_POSITIVES, weighted_average_precision
from toxicity_ml.training.losses import masked_bce

METRIC = "selection"
"""Name of the figure that decides; the greater the better."""


def by_average_precision(prediction: Any, labels: Sequence[str]) -> dict[str, float]:
    """Average precision per label, and as the figure that decides its mean over the labels with enough
    positives to choose by; with no positive at all, as in a first retraining of a quiet site, minus the loss.
    """
    logits = prediction.predictions
    targets, weights = prediction.label_ids
    metrics: dict[str, float] = {}
    chosen: list[float] = []
    for index, label in enumerate(labels):
        known = ~np.isnan(targets[:, index])
        truth = targets[known, index] >= 0.5
        if truth.any() and not truth.all():
            value = weighted_average_precision(truth, logits[known, index], weights[known])
            metrics[f"average_precision_{label}"] = value
            if truth.sum() >= MIN_POSITIVES:
                chosen.append(value)
    chosen = chosen or list(metrics.values())
    metrics[METRIC] = float(np.mean(chosen)) if chosen else -_mean_loss(logits, targets, weights)
    return metrics


def by_accuracy(prediction: Any) -> dict[str, float]:
    """Weighted share of the rows whose likeliest class is theirs."""
    logits = prediction.predictions
    targets, weights = prediction.label_ids
    known = ~np.isnan(targets).any(axis=1)
    right = logits[known].argmax(axis=1) == targets[known].argmax(axis=1)
    return {METRIC: float(np.average(right, weights=weights[known])) if known.any() else 0.0}


def _mean_loss(logits: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    return float(masked_bce(torch.tensor(logits), torch.tensor(targets), row_weight=torch.tensor(weights)))
