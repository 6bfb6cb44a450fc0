"""Decides from numbers whether a candidate is better than the active version on reviewed items.

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

MIN_ITEMS = 15
"""Fewer items on the test side decide nothing."""
MIN_RANDOM_ITEMS = 30
"""Nor do fewer reviews that came up at random, however many items the active version pointed at."""
MIN_EFFECTIVE_ITEMS = 15.0
"""Nor do many random reviews of which a few carry nearly all the weight: Kish's effective sample size of the
texts among them."""
MIN_GAIN = 0.001
"""A smaller gain of the Brier score changes nothing that anyone could notice."""
LEVEL = 0.05
"""One-sided: how often the first candidate that is no better may pass by chance."""
MIN_KEPT = 0.8
"""Share of the plainly toxic texts, not from the site, that a candidate has to flag still: reviews of false
positives alone would also be satisfied by a model that flags nothing any more."""
RESAMPLES = 4000
MOST_RESAMPLES = 100_000
BEYOND = 20
"""So many resamples are to lie beyond the bound; a smaller level takes more of them, as far as that goes."""

BETTER = "better"
NOT_BETTER = "not_better"
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"


def shortfalls(items: int, random_items: int) -> tuple[str, ...]:
    """Say what a test side lacks for any verdict, as "14 of 15 reviewed comments"; empty: nothing known.

    items: reviewed comments on the test side; random_items: of these, the ones that came up at random.
    """
    needed = (
        (items, MIN_ITEMS, "reviewed comments"),
        (random_items, MIN_RANDOM_ITEMS, "reviewed comments that came up at random"),
    )
    return tuple(f"{number} of {least} {what}" for number, least, what in needed if number < least)


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
    is_random: Sequence[bool] | None = None,
    text_keys: Sequence[str] | None = None,
    earlier_comparisons: int = 0,
    kept: float | None = None,
    seed: int = 20,
) -> Comparison:
    """Compare two models' scores on the test side.

    truth: (n_items, n_labels) of 0, 1 or NaN (not looked at, masked). old, new: scores of the same shape.
    probabilities: n_items, with which each was reviewed. Thresholds: one per label.
    is_random: n_items, True where chance alone brought it up; by default where its probability is under 1.
    text_keys: n_items, equal where the texts read the same; by default each is a text of its own.
    earlier_comparisons: how often candidates were compared on this side before; the level shrinks with each,
    so that trying often enough makes no candidate pass (the k-th is tested at 2 LEVEL / (k (k + 1))).
    kept: share of known toxic texts that the candidate still flags; under MIN_KEPT it is not better.

    Paired cluster bootstrap (Efron & Tibshirani 1993, chapter 13; Field & Welsh 2007): texts are resampled,
    each with all its items and both losses.
    """
    looked_at = ~np.isnan(truth)
    usable = looked_at.any(axis=1)
    chances = np.asarray(probabilities, dtype=np.float64)
    random = (chances < 1 if is_random is None else np.asarray(is_random, dtype=bool))[usable]
    texts = _numbered(text_keys if text_keys is not None else range(len(truth)))[usable]
    truth, old, new, looked_at = truth[usable], old[usable], new[usable], looked_at[usable]
    weights = 1.0 / chances[usable]
    items = len(truth)
    nth = earlier_comparisons + 1
    level = LEVEL * 2 / (nth * (nth + 1))
    if items == 0:
        return Comparison(NOT_ENOUGH_EVIDENCE, 0, 0, 0.0, None, None, None, level, None, None, None)

    old_losses, new_losses = _brier(truth, old, looked_at), _brier(truth, new, looked_at)
    effective = _effective(weights[random], texts[random])
    difference = float(np.average(new_losses - old_losses, weights=weights))
    upper = _upper_bound(
        *_with_one_unseen(new_losses - old_losses, weights, random, texts), level=level, seed=seed
    )
    random_items = int(random.sum())
    if items < MIN_ITEMS or random_items < MIN_RANDOM_ITEMS or effective < MIN_EFFECTIVE_ITEMS:
        verdict = NOT_ENOUGH_EVIDENCE
    else:
        has_forgotten = kept is not None and kept < MIN_KEPT
        is_better = upper < 0 and difference <= -MIN_GAIN and not has_forgotten
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
        kept=kept,
    )


def _numbered(keys: Sequence[object]) -> NDArray[np.int64]:
    """Number the different keys 0, 1, 2 ..."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _effective(weights: NDArray[np.float64], texts: NDArray[np.int64]) -> float:
    """Return Kish's effective sample size (1965, section 11.7) of texts; each weighs what its items weigh."""
    if not len(weights):
        return 0.0
    of_texts = np.bincount(texts, weights=weights)
    return float(of_texts.sum() ** 2 / (of_texts**2).sum())


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


def _upper_bound(
    differences: NDArray[np.float64],
    weights: NDArray[np.float64],
    texts: NDArray[np.int64],
    level: float,
    seed: int,
) -> float:
    """Return the bound of the weighted mean difference that is exceeded with probability `level`.

    Where not even MOST_RESAMPLES have BEYOND of them past the bound, it is the normal one of their spread, if
    that is the larger.
    """
    _, numbers = np.unique(texts, return_inverse=True)
    of_texts = np.bincount(numbers, weights=weights * differences), np.bincount(numbers, weights=weights)
    count = len(of_texts[0])
    resamples = min(MOST_RESAMPLES, max(RESAMPLES, math.ceil(BEYOND / level)))
    generator = np.random.default_rng(seed)
    chunk = max(1, 1_000_000 // count)
    parts: list[NDArray[np.float64]] = []
    for start in range(0, resamples, chunk):
        drawn = generator.integers(0, count, (min(chunk, resamples - start), count))
        parts.append(of_texts[0][drawn].sum(axis=1) / of_texts[1][drawn].sum(axis=1))
    means = np.concatenate(parts)
    bound = float(np.quantile(means, 1 - level))
    if resamples * level >= BEYOND:
        return bound
    normal = float(np.average(differences, weights=weights)) + NormalDist().inv_cdf(1 - level) * means.std()
    return max(bound, float(normal))
