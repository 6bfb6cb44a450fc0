"""Decides whether a candidate is better than the active version on reviewed items; numbers in, verdict out.

Items are reviewed mostly because the active version flagged them, so each counts with the inverse of the
probability with which it was drawn for review (Horvitz & Thompson 1952): unweighted, any other model of the
same quality looks better than the one that chose the items.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_ITEMS = 15
"""Fewer items on the test side decide nothing."""
MIN_EFFECTIVE_ITEMS = 8.0
"""Nor do many items of which a few carry nearly all the weight (Kish's effective sample size)."""
MIN_GAIN = 0.001
"""A smaller gain of the Brier score changes nothing that anyone could notice."""
LEVEL = 0.05
"""One-sided: how often the first candidate that is no better may pass by chance."""
MIN_KEPT = 0.8
"""Share of the plainly toxic texts, not from the site, that a candidate has to flag still: reviews of false
positives alone would also be satisfied by a model that flags nothing any more."""
RESAMPLES = 4000

BETTER = "better"
NOT_BETTER = "not_better"
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


@dataclass(frozen=True)
class Comparison:
    """Old against new on the same items. A loss is the weighted mean Brier score over looked-at labels."""

    verdict: str
    """``better``, ``not_better`` or ``not_enough_evidence``."""
    items: int
    effective_items: float
    old_loss: float | None
    new_loss: float | None
    difference: float | None
    """new - old: below 0 the candidate errs less."""
    level: float
    """One-sided, of the bootstrap."""
    upper_bound: float | None
    """Of the difference, one-sided, by paired bootstrap; the candidate is better when it is below 0."""
    old_errors: float | None
    """Weighted share of looked-at labels on the wrong side of their threshold."""
    new_errors: float | None
    kept: float | None = None
    """Of the rehearsed texts that the old version flags, the share that the new one flags, too."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    truth: NDArray[np.float64],
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    probabilities: Sequence[float],
    *,
    old_thresholds: Sequence[float],
    new_thresholds: Sequence[float],
    earlier_comparisons: int = 0,
    kept: float | None = None,
    seed: int = 20,
) -> Comparison:
    """Compare two models' scores on the test side.

    truth: (n_items, n_labels) of 0, 1 or NaN (not looked at, masked). old, new: scores of the same shape.
    probabilities: n_items, with which each was drawn for review. Thresholds: one per label.
    earlier_comparisons: how often candidates were compared on this side before; the level shrinks with each,
    so that trying often enough makes no candidate pass (the k-th is tested at 2 LEVEL / (k (k + 1))).
    kept: share of known toxic texts that the candidate still flags; under MIN_KEPT it is not better.

    Paired bootstrap (Efron & Tibshirani 1993, chapter 13): items are resampled with both losses together.
    """
    looked_at = ~np.isnan(truth)
    usable = looked_at.any(axis=1)
    truth, old, new, looked_at = truth[usable], old[usable], new[usable], looked_at[usable]
    weights = 1.0 / np.asarray(probabilities, dtype=np.float64)[usable]
    items = len(truth)
    nth = earlier_comparisons + 1
    level = LEVEL * 2 / (nth * (nth + 1))
    if items == 0:
        return Comparison(NOT_ENOUGH_EVIDENCE, 0, 0.0, None, None, None, level, None, None, None)

    old_losses, new_losses = _brier(truth, old, looked_at), _brier(truth, new, looked_at)
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    difference = float(np.average(new_losses - old_losses, weights=weights))
    upper = _upper_bound(new_losses - old_losses, weights, level, seed)
    if items < MIN_ITEMS or effective < MIN_EFFECTIVE_ITEMS:
        verdict = NOT_ENOUGH_EVIDENCE
    else:
        has_forgotten = kept is not None and kept < MIN_KEPT
        is_better = upper < 0 and difference <= -MIN_GAIN and not has_forgotten
        verdict = BETTER if is_better else NOT_BETTER
    return Comparison(
        verdict=verdict,
        items=items,
        effective_items=effective,
        old_loss=float(np.average(old_losses, weights=weights)),
        new_loss=float(np.average(new_losses, weights=weights)),
        difference=difference,
        level=level,
        upper_bound=upper,
        old_errors=_errors(truth, old, looked_at, weights, old_thresholds),
        new_errors=_errors(truth, new, looked_at, weights, new_thresholds),
        kept=kept,
    )


def _brier(
    truth: NDArray[np.float64], scores: NDArray[np.float64], looked_at: NDArray[np.bool_]
) -> NDArray[np.float64]:
    squares = np.where(looked_at, (scores - np.nan_to_num(truth)) ** 2, 0.0)
    means: NDArray[np.float64] = squares.sum(axis=1) / looked_at.sum(axis=1)
    return means


def _errors(
    truth: NDArray[np.float64],
    scores: NDArray[np.float64],
    looked_at: NDArray[np.bool_],
    weights: NDArray[np.float64],
    thresholds: Sequence[float],
) -> float:
    wrong = ((scores >= np.asarray(thresholds)) != (truth >= 0.5)) & looked_at
    return float((wrong.sum(axis=1) * weights).sum() / (looked_at.sum(axis=1) * weights).sum())


def _upper_bound(
    differences: NDArray[np.float64], weights: NDArray[np.float64], level: float, seed: int
) -> float:
    generator = np.random.default_rng(seed)
    chunk = max(1, 1_000_000 // len(differences))
    means: list[NDArray[np.float64]] = []
    for start in range(0, RESAMPLES, chunk):
        drawn = generator.integers(0, len(differences), (min(chunk, RESAMPLES - start), len(differences)))
        means.append((weights * differences)[drawn].sum(axis=1) / weights[drawn].sum(axis=1))
    return float(np.quantile(np.concatenate(means), 1 - level))
