"""The primary figure: whether a candidate errs less than the active version on reviewed items.

Items are reviewed mostly because the active version flagged them, so each counts with the inverse of the
probability with which it was reviewed (Horvitz & Thompson 1952): unweighted, any other model of the same
quality looks better than the one that chose the items. What that version let through is known from random
reviews alone, so without enough of them nothing is decided.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.retraining.gate import resamples
from moderation.retraining.gate.needs import (
    MIN_EFFECTIVE_ITEMS,
    MIN_ITEMS,
    MIN_RANDOM_ITEMS,
    level_of,
)
from moderation.retraining.gate.resamples import RESAMPLES, numbered
from moderation.retraining.gate.verdict import BETTER, NOT_BETTER, NOT_ENOUGH_EVIDENCE

MIN_GAIN = 0.001
"""A smaller gain of the Brier score changes nothing that anyone could notice."""
FOR_INTERVALS = 1000
"""Resamples of the two-sided interval, which decides nothing."""
MOST_RESAMPLES = 100_000
BEYOND = 20
"""So many resamples are to lie beyond the bound; a smaller level takes more of them, as far as that goes."""


@dataclass(frozen=True)
class Comparison:
    """The losses of the old and the new model on the same items.

    A loss is the weighted mean Brier score over looked-at labels.
    """

    verdict: str
    """``better``, ``not_better`` or ``not_enough_evidence``."""
    items: int
    random_items: int
    """Of these, the ones that came up at random."""
    effective_items: float
    """Of the random ones: as many texts of equal weight would tell as much."""
    old_loss: float | None
    new_loss: float | None
    difference: float | None
    """new - old: below 0 the candidate errs less."""
    level: float
    """One-sided, of the bootstrap."""
    upper_bound: float | None
    """Of the difference, one-sided, by paired bootstrap with one unseen harm; the candidate is better when it
    is below 0."""
    old_errors: float | None
    """Weighted share of looked-at labels on the wrong side of their threshold."""
    new_errors: float | None
    low: float | None = None
    high: float | None = None
    """Of the difference, the two-sided 95 % interval."""
    spread: float | None = None
    """Standard error of the difference between resamples."""

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
    is_random: Sequence[bool] | None = None,
    text_keys: Sequence[str] | None = None,
    earlier_comparisons: int = 0,
    seed: int = 20,
) -> Comparison:
    """Compare two models' scores on the test side.

    truth: (n_items, n_labels) of 0, 1 or NaN (not looked at, masked). old, new: scores of the same shape.
    probabilities: n_items, with which each was reviewed. Thresholds: one per label.
    is_random: n_items, True where chance alone brought it up; by default where its probability is under 1.
    text_keys: n_items, equal where the texts read the same; by default each is a text of its own.
    earlier_comparisons: how often candidates were compared on this side before; the level shrinks with each,
    so that trying often enough makes no candidate pass (the k-th is tested at 2 LEVEL / (k (k + 1))).

    Paired cluster bootstrap (Efron & Tibshirani 1993, chapter 13; Field & Welsh 2007): texts are resampled,
    each with all its items and both losses.
    """
    looked_at = ~np.isnan(truth)
    usable = looked_at.any(axis=1)
    chances = np.asarray(probabilities, dtype=np.float64)
    random = (chances < 1 if is_random is None else np.asarray(is_random, dtype=bool))[usable]
    texts = numbered(text_keys if text_keys is not None else range(len(truth)))[usable]
    truth, old, new, looked_at = truth[usable], old[usable], new[usable], looked_at[usable]
    weights = 1.0 / chances[usable]
    items = len(truth)
    level = level_of(earlier_comparisons + 1)
    if items == 0:
        return Comparison(NOT_ENOUGH_EVIDENCE, 0, 0, 0.0, None, None, None, level, None, None, None)

    old_losses, new_losses = brier(truth, old), brier(truth, new)
    effective = _effective(weights[random], texts[random])
    difference = float(np.average(new_losses - old_losses, weights=weights))
    upper = upper_bound(
        *_with_one_unseen(new_losses - old_losses, weights, random, texts), level=level, seed=seed
    )
    resampled = resamples.means(new_losses - old_losses, weights, texts, resamples=FOR_INTERVALS, seed=seed)
    low, high = resamples.interval(resampled)
    random_items = int(random.sum())
    if items < MIN_ITEMS or random_items < MIN_RANDOM_ITEMS or effective < MIN_EFFECTIVE_ITEMS:
        verdict = NOT_ENOUGH_EVIDENCE
    else:
        is_better = upper < 0 and difference <= -MIN_GAIN
        verdict = BETTER if is_better else NOT_BETTER
    return Comparison(
        verdict=verdict,
        items=items,
        random_items=random_items,
        effective_items=effective,
        old_loss=float(np.average(old_losses, weights=weights)),
        new_loss=float(np.average(new_losses, weights=weights)),
        difference=difference,
        level=level,
        upper_bound=upper,
        old_errors=_errors(truth, old, looked_at, weights, old_thresholds),
        new_errors=_errors(truth, new, looked_at, weights, new_thresholds),
        low=low,
        high=high,
        spread=float(resampled.std()),
    )


def _effective(weights: NDArray[np.float64], texts: NDArray[np.int64]) -> float:
    """Return Kish's effective sample size (1965, section 11.7) of texts; each weighs what its items weigh."""
    if not len(weights):
        return 0.0
    of_texts = np.bincount(texts, weights=weights)
    return float(of_texts.sum() ** 2 / (of_texts**2).sum())


def brier(truth: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each item's mean squared error over its looked-at labels; truth is NaN elsewhere, never all."""
    looked_at = ~np.isnan(truth)
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


def _with_one_unseen(
    differences: NDArray[np.float64],
    weights: NDArray[np.float64],
    random: NDArray[np.bool_],
    texts: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return the items and one more random one, on which the candidate does as badly as where it does worse.

    A bootstrap knows nothing of what was not drawn: 30 random reviews without one of the 2 % of comments that
    a candidate unlearns would prove that there are none. Adding one is Laplace's rule of succession.
    """
    if not random.any():
        return differences, weights, texts
    harms = differences[differences > 0]
    harm = harms.mean() if len(harms) else 0.0
    return (
        np.append(differences, harm),
        np.append(weights, weights[random].mean()),
        np.append(texts, texts.max() + 1),
    )


def upper_bound(
    differences: NDArray[np.float64],
    weights: NDArray[np.float64],
    texts: NDArray[np.int64],
    level: float,
    seed: int = 20,
) -> float:
    """Return the bound of the weighted mean difference that is exceeded with probability `level`.

    Where not even MOST_RESAMPLES have BEYOND of them past the bound, it is the normal one of their spread, if
    that is the larger.
    """
    count = min(MOST_RESAMPLES, max(RESAMPLES, math.ceil(BEYOND / level)))
    drawn = resamples.means(differences, weights, texts, resamples=count, seed=seed)
    bound = float(np.quantile(drawn, 1 - level))
    if count * level >= BEYOND:
        return bound
    normal = float(np.average(differences, weights=weights)) + NormalDist().inv_cdf(1 - level) * drawn.std()
    return max(bound, float(normal))
