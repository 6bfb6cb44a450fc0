"""Measures how far people agree who judged the same items: Krippendorff's alpha with a 95 % interval.

Numbers in, numbers out. 1 is agreement in everything, 0 what chance alone brings. The formula is that of
nominal data (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section D). Items may stand for
several others (weights), and copies of one text count as one text for the spread.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.review.statistics import DRAWS, LEVEL, Estimate

MIN_ITEMS = 30
"""Items that two or more judged, under which there is no figure."""
MIN_OF_EACH = 5
"""Items on which somebody chose the rarer answer, under which there is none either."""
PRIOR = 0.5
"""Items added to each pair of answers for the interval (Jeffreys): what was not seen may still happen."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Judged:
    """Items, each with the answers that people gave on it; all of one length."""

    answers: Sequence[Sequence[Hashable]]
    """Of each item one answer per person; an item with fewer than two tells nothing."""
    weights: Sequence[float] | None = None
    """How many items each stands for; 1 where there are none."""
    text_keys: Sequence[str] | None = None
    """Equal where the texts read the same; by default each is a text of its own."""


def alpha(judged: Judged, seed: int = 20) -> tuple[Estimate, int]:
    """Estimate Krippendorff's alpha for nominal answers; returns it with the number of items it rests on.

    All of the estimate is None below MIN_ITEMS or MIN_OF_EACH.
    """
    return of_counts(*_matrix(judged), seed=seed)


def of_counts(
    counts: Array, weights: Array, texts: NDArray[np.intp], *, seed: int = 20
) -> tuple[Estimate, int]:
    """Estimate alpha as `alpha` does, from (n_items, n_answers) counts of each answer, two or more an item.

    weights: n_items. texts: n_items numbers, equal where the texts read the same.
    """
    items = len(counts)
    if items < MIN_ITEMS or _rarer(counts) < MIN_OF_EACH:
        return Estimate(), items
    value = from_counts(counts, weights)
    low, high = _interval(counts, weights, texts, seed)
    return Estimate(value, min(low, value), max(high, value)), items


def from_counts(counts: Array, weights: Array | None = None) -> float:
    """Return alpha from (n_items, n_answers) counts of each answer; NaN where all answers are the same.

    Items with fewer than two answers are left out. weights: n_items, taken in proportion to their mean.
    """
    per_item = counts.sum(axis=1)
    counts = counts[per_item >= 2]
    scale = np.ones(len(counts)) if weights is None else weights[per_item >= 2]
    scale = scale / scale.mean() if len(scale) else scale
    observed = _pairs(counts)
    table = (observed * scale[:, None, None]).sum(axis=0)
    margins = table.sum(axis=1)
    whole = margins.sum()
    expected = (whole**2 - (margins**2).sum()) / (whole - 1)
    return float(1 - (whole - np.trace(table)) / expected) if expected else float("nan")


def _pairs(counts: Array) -> Array:
    """(n, k, k): how often each pair of answers meets in each item, each answer counting once in all."""
    per_item = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(counts.shape[1])
    pairs[:, diagonal, diagonal] -= counts
    found: Array = pairs / (per_item - 1)[:, None, None]
    return found


def _matrix(judged: Judged) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return counts, weights and numbers of the texts of the items that two or more judged."""
    chosen = [place for place, answers in enumerate(judged.answers) if len(answers) >= 2]
    kinds = sorted({answer for place in chosen for answer in judged.answers[place]}, key=repr)
    column = {kind: place for place, kind in enumerate(kinds)}
    counts = np.zeros((len(chosen), len(kinds)))
    for row, place in enumerate(chosen):
        for answer in judged.answers[place]:
            counts[row, column[answer]] += 1
    weights = np.array([1.0 if judged.weights is None else judged.weights[place] for place in chosen])
    keys = [str(place) if judged.text_keys is None else judged.text_keys[place] for place in chosen]
    _, texts = np.unique(np.asarray(keys, dtype=object).astype(str), return_inverse=True)
    return counts, weights, texts


def _rarer(counts: Array) -> int:
    """Return on how many items the second most frequent answer was chosen at all."""
    chosen = np.sort((counts > 0).sum(axis=0))
    return int(chosen[-2]) if len(chosen) > 1 else 0


def _interval(counts: Array, weights: Array, texts: NDArray[np.intp], seed: int) -> tuple[float, float]:
    """Return the quantiles of alpha over draws of how many items show each pattern of answers.

    The number of items of a pattern is gamma distributed with the mean and spread that were seen, and each
    pair of answers has PRIOR items more.
    """
    generator = np.random.default_rng(seed)
    patterns, which = np.unique(counts, axis=0, return_inverse=True)
    which = which.reshape(-1)
    mean = weights.mean()
    size = counts.shape[1]
    draws = np.zeros((DRAWS, size, size))
    for number, table in enumerate(_pairs(patterns)):
        chosen = which == number
        of_texts = np.bincount(texts[chosen], weights=weights[chosen])
        value = of_texts.sum()
        count = value**2 / (of_texts**2).sum()
        draws += generator.gamma(count, value / count, DRAWS)[:, None, None] * table
    for one in range(size):
        for other in range(one, size):
            drawn = generator.gamma(PRIOR, mean, DRAWS)
            draws[:, one, other] += drawn
            draws[:, other, one] += drawn
    margins = draws.sum(axis=2)
    whole = margins.sum(axis=1)
    expected = 1 - ((margins / whole[:, None]) ** 2).sum(axis=1)
    observed = 1 - np.trace(draws, axis1=1, axis2=2) / whole
    low, high = np.quantile(1 - observed / expected, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
