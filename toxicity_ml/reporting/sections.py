"""Measures one scorer on one set of rows: the sections that every part of the report has."""

from typing import Any

import numpy as np

from toxicity_ml import evaluation
from toxicity_ml.reporting.rows import Rows, Scorer

BAND_RESAMPLES = 300
"""Draws behind a curve's band, whose edge is a pixel wide; a figure's interval is read to three places."""


def measured(rows: Rows, scores: np.ndarray, scorer: Scorer, resamples: int) -> dict[str, Any]:
    """Every figure of these scores, JSON-ready; None with ``too_few`` where there are too few positives.

    scores: float (n, n_labels). To what ``evaluation.evaluate`` (or ``evaluate_classes``) gives, each label
    gets ``calibration``, ``curves`` and ``recall_at``, by share of false positives; a multi-label scorer
    ``confusion`` by label, ``cooccurrence`` and ``site``, a single-label one ``confidence``, the calibration
    of its most probable class.
    """
    labels = scorer.labels
    if scorer.is_single_label:
        report = evaluation.evaluate_classes(
            scores,
            rows.targets,
            labels,
            weights=rows.weights,
            resamples=resamples,
            min_positives=evaluation.MIN_POSITIVES,
        )
        known = ~np.isnan(rows.targets).any(axis=1)
        right = (scorer.flags(scores[known]) & (rows.targets[known] >= 0.5)).any(axis=1)
        report["confidence"] = evaluation.reliability(
            scores[known].max(axis=1), right, rows.weights[known], resamples
        )
    else:
        report = evaluation.evaluate(
            scores,
            rows.targets,
            scorer.thresholds,
            labels,
            weights=rows.weights,
            resamples=resamples,
            min_positives=evaluation.MIN_POSITIVES,
        )
        over = scorer.flags(scores)
        for label, counts in evaluation.confusion(over, rows.targets, labels).items():
            report["labels"][label]["confusion"] = counts
        report["cooccurrence"] = evaluation.cooccurrence(over, rows.targets, labels, rows.weights, resamples)
        report["site"] = evaluation.site_view(over, rows.targets, labels, rows.weights, resamples)
    for index, label in enumerate(labels):
        of_label = report["labels"][label]
        known = ~np.isnan(rows.targets[:, index])
        truth = rows.targets[known, index] >= 0.5
        column, weights = scores[known, index], rows.weights[known]
        of_label["calibration"] = of_label["curves"] = of_label["recall_at"] = None
        if not of_label["too_few"]:
            of_label["calibration"] = evaluation.reliability(column, truth, weights, resamples)
            of_label["recall_at"] = evaluation.recall_at_false_positive_rates(
                truth, column, weights, resamples=resamples
            )
            drawn = evaluation.curves(truth, column, weights, min(resamples, BAND_RESAMPLES))
            of_label["curves"] = {name: curve.as_json() for name, curve in drawn.items()}
    return report


def difference(
    rows: Rows, scores_a: np.ndarray, scores_b: np.ndarray, labels: tuple[str, ...], resamples: int
) -> dict[str, Any]:
    """Average precision of b minus a, paired: ``{"mean", "labels": {label}}`` of ``{value, low, high,
    share_above_zero, shown}``, None with too few positives."""
    differences = evaluation.paired_difference(
        rows.targets, scores_a, scores_b, rows.weights, resamples=resamples
    )

    def shown(interval: evaluation.PairedInterval | None) -> dict[str, Any] | None:
        return None if interval is None else {**vars(interval), "shown": interval.is_shown}

    return {
        "mean": shown(differences["mean"]),
        "labels": {label: shown(differences["labels"][index]) for index, label in enumerate(labels)},
    }
