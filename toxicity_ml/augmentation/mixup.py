"""Mixup of embeddings (Guo et al. 2019, "Augmenting data with mixup for sentence classification"): two texts
of a batch and their targets, blended in the same proportion."""

import torch
from torch import Tensor


def proportion(alpha: float) -> float:
    """How much of the first text remains: Beta(alpha, alpha) (Zhang et al. 2018), the larger part, so that a
    text is never less than half itself. Raises ValueError for an alpha of 0 or less."""
    if alpha <= 0:
        raise ValueError("alpha of mixup must be over 0.")
    drawn = float(torch.distributions.Beta(alpha, alpha).sample())
    return max(drawn, 1 - drawn)


def mixed(values: Tensor, order: Tensor, share: float) -> Tensor:
    """share * values + (1 - share) * values[order].

    values: float (n, ...), embeddings of words or of texts, or targets, whose NaN (masked) stay masked on
    both sides. order: int64 (n,), the partner of each row.
    """
    return share * values + (1 - share) * values[order]
