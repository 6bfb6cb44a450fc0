"""Tells whether a candidate learned anything of texts, or only how often people say yes.

The Brier score thanks a candidate that says "everything is about as often toxic as decided", and thanks it
most where decisions were made at random. So two questions come beside it: does the candidate rank the test
side better than chance, and is there a gain left once old and new are calibrated alike on the same items?
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PERMUTATIONS = 4000
RIDGE = 0.05
"""Prior precision of a calibration's parameters around no change: it keeps them finite where a label is never
true, and is too weak to leave a difference between two models that can be calibrated into one another."""
STEPS = 60

Array = NDArray[np.float64]


def chance_of_ranking(
    is_true: Array, severity: Array, texts: NDArray[np.int64], *, seed: int = 20
) -> float | None:
    """Return the probability that truth dealt out by chance would be ranked at least as well.

    is_true: n_items, 1, 0 or NaN (left out). severity: n_items, what the candidate says. texts: n_items,
    equal where the texts read the same. None: the truth is the same of all texts, and nothing can be ranked.

    The statistic is the area under the ROC curve over texts (Mann & Whitney 1947), each text once; truth is
    permuted among the texts, as in fully shuffled decisions.
    """
    known = ~np.isnan(is_true)
    _, first, number = np.unique(texts[known], return_index=True, return_inverse=True)
    if len(first) < 2:
        return None
    share = np.bincount(number, weights=is_true[known]) / np.bincount(number)
    truth, ranks = share >= 0.5, _ranks(severity[known][first])
    positives = int(truth.sum())
    if not 0 < positives < len(truth):
        return None
    observed = float(ranks[truth].sum())
    generator = np.random.default_rng(seed)
    as_good = 0
    chunk = max(1, 2_000_000 // len(ranks))
    for start in range(0, PERMUTATIONS, chunk):
        count = min(chunk, PERMUTATIONS - start)
        permuted = generator.permuted(np.tile(ranks, (count, 1)), axis=1)
        as_good += int((permuted[:, :positives].sum(axis=1) >= observed - 1e-9).sum())
    return (as_good + 1) / (PERMUTATIONS + 1)


def recalibrated(truth: Array, scores: Array, weights: Array) -> Array:
    """Return the scores, (n_items, n_labels), calibrated on these very items: what is left is how they rank.

    truth: of 0, 1 or NaN (left out), (n_items, n_labels). weights: n_items. One slope for all labels and an
    intercept for each (Platt 1999). Two models whose logits differ by just that come out equal, so a
    candidate that only says more or less of everything gains nothing against the old one, calibrated alike.
    """
    logits = _logit(scores)
    known = ~np.isnan(truth)
    weighing = np.where(known, weights[:, None], 0.0)
    weighing = weighing * weighing.sum() / max(1e-12, float((weighing**2).sum()))  # Kish's number of items
    slope, intercepts = 1.0, np.zeros(truth.shape[1])
    for _ in range(STEPS):
        step = _newton_step(logits, np.nan_to_num(truth), weighing, slope, intercepts)
        step *= min(1.0, 1.0 / max(1e-12, float(np.abs(step).max())))
        slope, intercepts = slope - float(step[0]), intercepts - step[1:]
        if float(np.abs(step).max()) < 1e-8:
            break
    return _sigmoid(slope * logits + intercepts)


def _newton_step(logits: Array, truth: Array, weights: Array, slope: float, intercepts: Array) -> Array:
    """Return the step of Newton's method for (slope, intercepts): weighted logistic loss with a prior."""
    predicted = _sigmoid(slope * logits + intercepts)
    wrong, spread = weights * (predicted - truth), weights * predicted * (1 - predicted)
    gradient = np.append((wrong * logits).sum() + RIDGE * (slope - 1), wrong.sum(axis=0) + RIDGE * intercepts)
    labels = len(intercepts)
    curvature = np.zeros((labels + 1, labels + 1))
    curvature[0, 0] = (spread * logits**2).sum()
    curvature[0, 1:] = curvature[1:, 0] = (spread * logits).sum(axis=0)
    curvature[range(1, labels + 1), range(1, labels + 1)] = spread.sum(axis=0)
    return np.asarray(np.linalg.solve(curvature + RIDGE * np.eye(labels + 1), gradient), dtype=np.float64)


def _ranks(values: Array) -> Array:
    """Return ranks from 1 on, ties sharing their mean."""
    _, number, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = (ends - (counts - 1) / 2)[number]
    return ranks


def _logit(scores: Array) -> Array:
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)), dtype=np.float64)


def _sigmoid(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -40, 40))), dtype=np.float64)
