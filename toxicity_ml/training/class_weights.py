"""Class weights from counts: what a rare label's positives, or a rare class, weigh in the loss."""

import math

import numpy as np

WEIGHT_KINDS = ("none", "balanced", "effective", "sqrt")
POSITIVE_WEIGHT_CAP = 5.0
EFFECTIVE_NUMBER_BETA = 0.999


def prevalence(targets: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Weighted share of positives per label, masked labels left out; kept off 0 and 1 by half a row.

    targets: float (n, n_labels), NaN = masked. row_weight: float (n,). Returns float (n_labels,).
    """
    negative, positive = _sides(targets, row_weight)
    share: np.ndarray = (positive + 0.5) / (negative + positive + 1.0)
    return share


def positive_weights(share: np.ndarray, cap: float = POSITIVE_WEIGHT_CAP) -> np.ndarray:
    """min(cap, sqrt(negatives / positives)) per label, at least 1: lifts rare labels, drowns none.

    share: float (n_labels,), the positives' share of each label. Returns float (n_labels,).
    """
    weights: np.ndarray = np.clip(np.sqrt((1 - share) / share), 1.0, cap)
    return weights


def positive_class_weights(
    kind: str, targets: np.ndarray, row_weight: np.ndarray, cap: float = POSITIVE_WEIGHT_CAP
) -> np.ndarray:
    """Return the weight of a positive, where a negative weighs 1, for each label of a multi-label task.

    targets: float (n, n_labels), NaN = masked. row_weight: float (n,). kind: "none" (1); "balanced",
    negatives over positives (the ratio of scikit-learn's two class weights); "effective", the ratio of the
    two effective number weights; "sqrt", :func:`positive_weights`, the only one that is capped. Positives and
    negatives have half a row added, so that a label without any gets a finite weight.
    Returns float (n_labels,). Raises ValueError for another kind.
    """
    _check_kind(kind)
    if kind == "sqrt":
        return positive_weights(prevalence(targets, row_weight), cap)
    sides = np.stack(_sides(targets, row_weight)) + 0.5
    if kind == "none":
        return np.ones(sides.shape[1])
    weigh = balanced_weights if kind == "balanced" else effective_number_weights
    return np.array([positive / negative for negative, positive in map(weigh, sides.T)])


def class_weights(kind: str, targets: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Return the weight of each class of a single-label task.

    targets: float (n, n_classes), one-hot or distributions; a row with a NaN is masked. row_weight: float
    (n,). kind: "none", "balanced" (:func:`balanced_weights`), "effective" (:func:`effective_number_weights`)
    or "sqrt", the square root of the balanced weight.
    Returns float (n_classes,). Raises ValueError for another kind.
    """
    _check_kind(kind)
    _, counts = _sides(np.where(np.isnan(targets).any(axis=1, keepdims=True), np.nan, targets), row_weight)
    if kind == "none":
        return np.ones(len(counts))
    if kind == "effective":
        return effective_number_weights(counts)
    weights = balanced_weights(counts)
    return weights if kind == "balanced" else np.sqrt(weights)


def balanced_weights(counts: np.ndarray) -> np.ndarray:
    """n / (k * count) per class, scikit-learn's ``balanced`` (King & Zeng 2001).

    counts: float (k,), rows of each class, weighted or not. A class without rows weighs 0 and is left out
    of k. Returns float (k,).
    """
    present = counts > 0
    weights: np.ndarray = np.zeros(len(counts))
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def effective_number_weights(counts: np.ndarray, beta: float = EFFECTIVE_NUMBER_BETA) -> np.ndarray:
    """(1 - beta) / (1 - beta^count) per class, scaled to sum k (Cui et al. 2019, equation 2 and section 5).

    counts and absent classes as in :func:`balanced_weights`. beta: 0 weighs all alike, towards 1 it becomes
    the inverse frequency. Returns float (k,). Raises ValueError unless 0 <= beta < 1.
    """
    if not 0 <= beta < 1:
        raise ValueError(f"beta must be at least 0 and less than 1, not {beta}.")
    present = counts > 0
    weights: np.ndarray = np.zeros(len(counts))
    weights[present] = 1 / -np.expm1(counts[present] * math.log(beta)) if beta else 1.0
    scaled: np.ndarray = weights * present.sum() / max(weights.sum(), np.finfo(float).tiny)
    return scaled


def _sides(targets: np.ndarray, row_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted rows on the negative and the positive side of each column, masked cells left out."""
    known = ~np.isnan(targets)
    weight = known * row_weight[:, None]
    positive = (np.where(known, targets, 0.0) * weight).sum(axis=0)
    return weight.sum(axis=0) - positive, positive


def _check_kind(kind: str) -> None:
    if kind not in WEIGHT_KINDS:
        raise ValueError(f"The class weights {kind!r} are not known: choose {', '.join(WEIGHT_KINDS)}.")
