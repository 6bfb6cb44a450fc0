"""Named sets of thresholds, for sites that want to miss less or to flag less for nothing than by default."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from toxicity_ml import evaluation
from toxicity_ml.manifest import Manifest

BALANCED, STRICT, LENIENT = "balanced", "strict", "lenient"
BETAS: Mapping[str, float] = {BALANCED: 1.0, STRICT: 2.0, LENIENT: 0.5}
"""How many times as much recall counts as precision where a set's thresholds are chosen: ``strict`` moderates
strictly, so it flags more; ``lenient`` lets more pass."""


def threshold_sets(
    manifest: Manifest,
    scores: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    inherit: Manifest | None = None,
) -> dict[str, dict[str, float]]:
    """{name: {label: threshold}} of the sets; ``balanced`` has the manifest's own thresholds.

    scores: calibrated, float (n, n_labels). targets: float (n, n_labels), NaN masked. weights: float (n,);
    they should make the rows stand for what a site screens. A label with fewer than MIN_POSITIVES positives
    or negatives has what ``inherit`` has, or its one threshold in all three.
    """
    chosen: dict[str, dict[str, float]] = {name: {} for name in BETAS}
    for index, label in enumerate(manifest.labels):
        default = float(manifest.thresholds[label])
        known = ~np.isnan(targets[:, index])
        truth = targets[known, index] >= 0.5
        if min(truth.sum(), (~truth).sum()) < evaluation.MIN_POSITIVES:
            earlier = inherit.threshold_sets if inherit is not None else {}
            for name in BETAS:
                chosen[name][label] = float(earlier.get(name, {}).get(label, default))
            continue
        for name, beta in BETAS.items():
            best = default
            if name != BALANCED:
                best = evaluation.best_threshold(scores[:, index], weights, beta=beta)
                best = min(best, default) if name == STRICT else max(best, default)
            chosen[name][label] = round(best, 4)
    return chosen


def set_rates(
    manifest: Manifest, scores: np.ndarray, targets: np.ndarray, weights: np.ndarray
) -> dict[str, dict[str, Any]]:
    """{name: {label: {"recall", "precision", "false_positive_rate"}}} of a manifest's sets on these rows.

    A share that nothing tells of, as the precision of no flags, is None. Arguments as ``threshold_sets``.
    """
    return {
        name: {
            label: _rates(scores[:, index] >= thresholds[label], targets[:, index], weights)
            for index, label in enumerate(manifest.labels)
        }
        for name, thresholds in manifest.threshold_sets.items()
    }


def _rates(over: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    known = ~np.isnan(targets)
    over, truth, weight = over[known], targets[known] >= 0.5, weights[known]

    def share(of: np.ndarray, among: np.ndarray) -> float | None:
        whole = float(weight[among].sum())
        return round(float(weight[of & among].sum()) / whole, 4) if whole else None

    return {
        "recall": share(over, truth),
        "precision": share(truth, over),
        "false_positive_rate": share(over, ~truth),
    }
