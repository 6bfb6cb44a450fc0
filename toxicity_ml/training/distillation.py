"""Soft targets from teachers that have not seen a row's own label."""

from collections.abc import Sequence

import numpy as np

FOLDS = 5


def out_of_fold(texts: Sequence[str], targets: np.ndarray, folds: int = FOLDS, seed: int = 0) -> np.ndarray:
    """Score each row with a TF-IDF logistic regression that was fitted on the other folds.

    texts: n. targets: float (n, n_labels), NaN = masked, positive from 0.5. Returns probabilities, float
    (n, n_labels); NaN for a label with too few positives or negatives to have some in every fit.
    Raises ValueError for less than two folds.
    """
    from toxicity_ml.baseline import TfidfBaseline

    if folds < 2:
        raise ValueError("Cross-fitting needs two folds or more.")
    fold = np.random.default_rng(seed).permutation(np.arange(len(texts)) % folds)
    predictions = np.full(targets.shape, np.nan)
    positive, negative = targets >= 0.5, targets < 0.5
    for number in range(folds):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        labels = np.flatnonzero(positive[inside].any(axis=0) & negative[inside].any(axis=0))
        if not len(labels) or not len(outside):
            continue
        baseline = TfidfBaseline(seed).fit(
            [texts[int(row)] for row in inside], targets[np.ix_(inside, labels)]
        )
        predictions[np.ix_(outside, labels)] = baseline.predict_array([texts[int(row)] for row in outside])
    predictions[:, np.isnan(predictions).any(axis=0)] = np.nan
    return predictions


def softened(targets: np.ndarray, teachers: Sequence[np.ndarray], share: float) -> np.ndarray:
    """(1 - share) of the target and share of the teachers' mean (Hinton et al. 2015, at a temperature of 1).

    targets and each teacher: float (n, n_labels). A masked target stays masked; where a teacher says nothing
    (NaN) the others' mean counts, and the target alone where none speaks.
    """
    known = np.array([~np.isnan(teacher) for teacher in teachers])
    total = np.where(known, teachers, 0.0).sum(axis=0)
    mean = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), targets)
    result: np.ndarray = (1 - share) * targets + share * mean
    return result
