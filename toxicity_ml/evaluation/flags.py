"""Counts flags: confusion by label, which labels are flagged for which, and flags per 1,000 comments."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from toxicity_ml.evaluation.metrics import MIN_POSITIVES, figure
from toxicity_ml.evaluation.resampling import RESAMPLES, resampled_sums

NONE = "none"
"""The row or column of the comments that have no label, or that are not flagged."""


def confusion(over: np.ndarray, targets: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Rows counted, without weights: ``{label: {"tp", "fp", "fn", "tn"}}``.

    over: bool (n, n_labels). targets: float (n, n_labels), NaN = masked.
    """
    counts = {}
    for index, label in enumerate(labels):
        known = ~np.isnan(targets[:, index])
        truth, flagged = targets[known, index] >= 0.5, over[known, index]
        counts[label] = {
            "tp": int((flagged & truth).sum()),
            "fp": int((flagged & ~truth).sum()),
            "fn": int((~flagged & truth).sum()),
            "tn": int((~flagged & ~truth).sum()),
        }
    return counts


def cooccurrence(
    over: np.ndarray,
    targets: np.ndarray,
    labels: Sequence[str],
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Of the comments that truly have a label, the share flagged for each label, or for none.

    over: bool (n, n_labels). targets: float (n, n_labels), NaN = masked. weights: float (n,).

    Returns ``{true label or "none": {"rows", "too_few", "flagged": {label or "none": {value, low, high} or
    None}}}``; figures are None where there are fewer than MIN_POSITIVES such comments. A comment counts as
    having none when every label was looked at and none is true.
    """
    weights = np.ones(len(over)) if weights is None else np.asarray(weights, dtype=float)
    truth = np.nan_to_num(targets) >= 0.5
    clean = ~np.isnan(targets).any(axis=1) & ~truth.any(axis=1)
    rows = np.column_stack([truth, clean]).astype(float)
    columns = np.column_stack([over, ~over.any(axis=1), np.ones(len(over))]).astype(float)
    cells = (rows[:, :, None] * columns[:, None, :]).reshape(len(over), -1)
    counts = resampled_sums(cells, weights, resamples, seed)
    counts = counts.reshape(len(counts), rows.shape[1], columns.shape[1])
    names = [*labels, NONE]
    by_label: dict[str, Any] = {}
    for at, name in enumerate(names):
        count = int(rows[:, at].sum())
        few = count < MIN_POSITIVES
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = counts[:, at, :-1] / counts[:, at, -1:]
        by_label[name] = {
            "rows": count,
            "too_few": few,
            "flagged": {
                column: None if few else figure(shares[:, place]) for place, column in enumerate(names)
            },
        }
    return by_label


def site_view(
    over: np.ndarray,
    targets: np.ndarray,
    labels: Sequence[str],
    weights: np.ndarray | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Estimate how many of 1,000 comments are flagged, flagged rightly, and missed.

    over: bool (n, n_labels). targets: float (n, n_labels), NaN = masked. weights: float (n,), natural
    prevalence where a site is to be spoken of. A comment is flagged when any label is over its threshold, and
    rightly when any label is true; a comment with a masked label and no true one is left out.

    Returns ``{"rows", "positives", "too_few", "flags_per_1000", "false_flags_per_1000", "missed_per_1000",
    "precision", "recall": {value, low, high} or None, "flags_per_1000_by_label": {label: {value, low,
    high}}}``. With too few positives only the shares of flags remain; with fewer than MIN_POSITIVES rows
    nothing.
    """
    weights = np.ones(len(over)) if weights is None else np.asarray(weights, dtype=float)
    truth = (np.nan_to_num(targets) >= 0.5).any(axis=1)
    decided = truth | ~np.isnan(targets).any(axis=1)
    flagged = over.any(axis=1)
    columns = np.column_stack([decided, flagged & decided, flagged & truth, truth, over & decided[:, None]])
    sums = resampled_sums(columns, weights, resamples, seed)
    total, flags, right, positive = sums[:, :4].T
    few = int(truth.sum()) < MIN_POSITIVES
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "flags_per_1000": 1000 * flags / total,
            "false_flags_per_1000": 1000 * (flags - right) / total,
            "missed_per_1000": 1000 * (positive - right) / total,
            "precision": right / flags,
            "recall": right / positive,
        }
        by_label = 1000 * sums[:, 4:] / total[:, None]
    needs_positives = {"missed_per_1000", "precision", "recall"}
    no_rows = int(decided.sum()) < MIN_POSITIVES
    return {
        "rows": int(decided.sum()),
        "positives": int(truth.sum()),
        "too_few": few,
        **{
            name: None if no_rows or (few and name in needs_positives) else figure(found)
            for name, found in values.items()
        },
        "flags_per_1000_by_label": {
            label: None if no_rows else figure(by_label[:, at]) for at, label in enumerate(labels)
        },
    }
