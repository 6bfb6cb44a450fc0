"""Losses for multi-label training: binary cross-entropy, weighted and with masked labels."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def masked_bce(
    logits: Tensor, targets: Tensor, *, pos_weight: Tensor | None = None, row_weight: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy averaged over the labels that were looked at.

    logits: float (n, n_labels). targets: float (n, n_labels), 0 to 1, NaN = masked: neither its loss nor its
    gradient counts. pos_weight: float (n_labels,), multiplies the positive term as in
    ``torch.nn.BCEWithLogitsLoss``. row_weight: float (n,); the average is weighted by it.

    Returns a scalar; 0, with a zero gradient, when every label is masked.
    """
    known = ~torch.isnan(targets)
    loss = functional.binary_cross_entropy_with_logits(
        logits.float(), torch.where(known, targets, 0.0), pos_weight=pos_weight, reduction="none"
    )
    weight = known.float() if row_weight is None else known.float() * row_weight.float().unsqueeze(1)
    return (loss * weight).sum() / weight.sum().clamp_min(torch.finfo(torch.float32).tiny)


def prevalence(targets: np.ndarray, row_weight: np.ndarray) -> np.ndarray:
    """Weighted share of positives per label, masked labels left out; kept off 0 and 1 by half a row.

    targets: float (n, n_labels), NaN = masked. row_weight: float (n,). Returns float (n_labels,).
    """
    known = ~np.isnan(targets)
    weight = known * row_weight[:, None]
    positive = (np.where(known, targets, 0.0) * weight).sum(axis=0)
    share: np.ndarray = (positive + 0.5) / (weight.sum(axis=0) + 1.0)
    return share


def positive_weights(share: np.ndarray, cap: float = 5.0) -> np.ndarray:
    """min(cap, sqrt(negatives / positives)) per label, at least 1: lifts rare labels, drowns none.

    share: float (n_labels,), the positives' share of each label. Returns float (n_labels,).
    """
    weights: np.ndarray = np.clip(np.sqrt((1 - share) / share), 1.0, cap)
    return weights
