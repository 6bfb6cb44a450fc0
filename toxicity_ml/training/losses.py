"""Losses for both tasks: binary and softmax cross-entropy, plain, focal and class-weighted. All leave masked
labels out and stay finite for logits of any size.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from toxicity_ml.labels import MULTI_LABEL
from toxicity_ml.training.options import LOSSES

Alpha = float | Sequence[float] | Tensor


class Loss(Protocol):
    """Logits (n, k), targets (n, k) with NaN = masked, and row weights (n,) -> a scalar."""

    def __call__(self, logits: Tensor, targets: Tensor, row_weight: Tensor | None = None) -> Tensor: ...


def make_loss(
    task: str,
    name: str,
    *,
    class_weight: Tensor | None = None,
    gamma: float = 2.0,
    alpha: Alpha | None = None,
    label_smoothing: float = 0.0,
) -> Loss:
    """The loss called ``name`` ("bce", "focal" or "cross_entropy") for "multi_label" or "single_label".

    class_weight: float (k,), the weight of each label's positive side, or of each class; with "focal" it
    makes the class-weighted focal loss. gamma and alpha: of "focal" alone. label_smoothing: the share of each
    target that goes to all classes evenly (to both sides of a label).
    Raises ValueError for an unknown task, and for a loss or a figure that does not fit it.
    """
    if task not in LOSSES:
        raise ValueError(f"The task {task!r} is not known: choose {' or '.join(LOSSES)}.")
    if name not in LOSSES[task]:
        raise ValueError(f"The loss {name!r} does not fit {task}: choose {' or '.join(LOSSES[task])}.")
    if gamma < 0 or not 0 <= label_smoothing < 1:
        raise ValueError("gamma must be 0 or more, label_smoothing at least 0 and less than 1.")
    if name != "focal" and alpha is not None:
        raise ValueError(f"alpha belongs to the focal loss; {name} takes class weights.")

    def multi_label(logits: Tensor, targets: Tensor, row_weight: Tensor | None = None) -> Tensor:
        targets = targets * (1 - label_smoothing) + label_smoothing / 2
        if name == "bce":
            return masked_bce(logits, targets, pos_weight=class_weight, row_weight=row_weight)
        return focal_bce(
            logits, targets, gamma=gamma, alpha=alpha, pos_weight=class_weight, row_weight=row_weight
        )

    def single_label(logits: Tensor, targets: Tensor, row_weight: Tensor | None = None) -> Tensor:
        focus = gamma if name == "focal" else 0.0
        return focal_cross_entropy(
            logits,
            targets,
            gamma=focus,
            alpha=alpha,
            class_weight=class_weight,
            row_weight=row_weight,
            label_smoothing=label_smoothing,
        )

    return multi_label if task == MULTI_LABEL else single_label


def masked_bce(
    logits: Tensor, targets: Tensor, *, pos_weight: Tensor | None = None, row_weight: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy averaged over the labels that were looked at.

    logits: float (n, n_labels). targets: float (n, n_labels), 0 to 1, NaN = masked: neither its loss nor its
    gradient counts. pos_weight: float (n_labels,), multiplies the positive term as in
    ``torch.nn.BCEWithLogitsLoss``. row_weight: float (n,); the average is weighted by it.

    Returns a scalar, in float32 or, for float64 logits, float64; 0, with a zero gradient, when every label is
    masked.
    """
    return focal_bce(logits, targets, gamma=0.0, pos_weight=pos_weight, row_weight=row_weight)


def focal_bce(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: float = 2.0,
    alpha: Alpha | None = None,
    pos_weight: Tensor | None = None,
    row_weight: Tensor | None = None,
) -> Tensor:
    """Focal loss (Lin et al. 2017, equation 5): alpha_t (1 - p_t)^gamma of binary cross-entropy.

    Shapes, masks and the average as in :func:`masked_bce`. alpha: what a positive weighs, a negative weighs
    1 - alpha; one number or (n_labels,); None weighs both 1. pos_weight: as in :func:`masked_bce`.
    A soft target t takes |t - p|^gamma as its factor (Quality Focal Loss, Li et al. 2020), which at 0 and 1
    is Lin's.
    """
    logits = _precise(logits)
    known = ~torch.isnan(targets)
    targets = torch.where(known, targets, 0.0).to(logits.dtype)
    loss = functional.binary_cross_entropy_with_logits(
        logits,
        targets,
        pos_weight=None if pos_weight is None else _like(pos_weight, logits),
        reduction="none",
    )
    if gamma:
        # t - p written so that neither end is lost to rounding
        distance = targets * torch.sigmoid(-logits) - (1 - targets) * torch.sigmoid(logits)
        loss = loss * _power(distance.abs(), gamma)
    if alpha is not None:
        factor = _like(alpha, logits)
        loss = loss * (factor * targets + (1 - factor) * (1 - targets))
    weight = known.to(logits.dtype)
    if row_weight is not None:
        weight = weight * _like(row_weight, logits).unsqueeze(1)
    return _ratio((loss * weight).sum(), weight.sum())


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weight: Tensor | None = None,
    row_weight: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Softmax cross-entropy, the weighted mean of ``torch.nn.functional.cross_entropy`` for hard targets.

    logits: float (n, n_classes). targets: float (n, n_classes), one-hot or a distribution; a row with any NaN
    is masked. class_weight: float (n_classes,), enters loss and mean. row_weight: float (n,). label_smoothing
    as in torch. Returns a scalar as :func:`masked_bce` does.
    """
    return focal_cross_entropy(
        logits,
        targets,
        gamma=0.0,
        class_weight=class_weight,
        row_weight=row_weight,
        label_smoothing=label_smoothing,
    )


def focal_cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: float = 2.0,
    alpha: Alpha | None = None,
    class_weight: Tensor | None = None,
    row_weight: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Focal loss over softmax classes: alpha_c (1 - p_c)^gamma of cross-entropy (Lin et al. 2017).

    Shapes, masks and the average as in :func:`cross_entropy`. alpha: float (n_classes,), scales the classes'
    losses without entering the mean's denominator, as class_weight does; one number is Lin's binary form,
    alpha for the second class of two and 1 - alpha for the first. A soft target t_c takes |t_c - p_c|^gamma
    (Li et al. 2020). Raises ValueError for one alpha and more than two classes.
    """
    logits = _precise(logits)
    known = ~torch.isnan(targets).any(dim=1)
    targets = torch.where(known.unsqueeze(1), targets, 0.0).to(logits.dtype)
    n_classes = logits.shape[1]
    smooth = targets * (1 - label_smoothing) + label_smoothing / n_classes
    log_p = functional.log_softmax(logits, dim=1)
    loss = -smooth * log_p
    if gamma:
        # t - p; the difference 1 - p keeps its digits through expm1
        loss = loss * _power(((smooth - 1) - torch.expm1(log_p)).abs(), gamma)
    if alpha is not None:
        loss = loss * _class_alpha(alpha, logits)
    share = targets
    if class_weight is not None:
        loss, share = loss * _like(class_weight, logits), share * _like(class_weight, logits)
    rows = known.to(logits.dtype)
    if row_weight is not None:
        rows = rows * _like(row_weight, logits)
    return _ratio((loss.sum(dim=1) * rows).sum(), (share.sum(dim=1) * rows).sum())


def _class_alpha(alpha: Alpha, logits: Tensor) -> Tensor:
    factor = _like(alpha, logits)
    if factor.dim() == 0:
        if logits.shape[1] != 2:
            raise ValueError(f"One alpha serves two classes; give one for each of the {logits.shape[1]}.")
        factor = torch.stack([1 - factor, factor])
    return factor


def _precise(logits: Tensor) -> Tensor:
    """Half precision widened to float32; float64 stays."""
    return logits if logits.dtype == torch.float64 else logits.float()


def _like(value: Alpha, logits: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=logits.dtype, device=logits.device)


def _power(distance: Tensor, gamma: float) -> Tensor:
    """distance^gamma, whose slope at 0 is 0 and not infinite where gamma is under 1."""
    return distance.clamp_min(torch.finfo(distance.dtype).tiny) ** gamma


def _ratio(total: Tensor, weight: Tensor) -> Tensor:
    return total / weight.clamp_min(torch.finfo(total.dtype).tiny)
