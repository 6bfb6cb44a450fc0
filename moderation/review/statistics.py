"""Estimates a version's precision and recall on the whole site, with intervals, from a sample of reviews.

Numbers in, numbers out. Items count with the inverse of the probability with which they were reviewed. Of
true and false positives and of what was missed the weighted sums are estimated, each with its spread between
texts. A sum of a few heavy items is skewed, so it is taken to be gamma distributed with that mean and spread
(as in Fay & Feuer 1997), and the intervals of the ratios are those of draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

MIN_FLAGGED = 10.0
"""Flagged texts, of equal weight, under which there is no figure for precision."""
MIN_RANDOM = 30
"""Random reviews under which there is no figure for recall: what is missed is known from them alone."""
MIN_REVIEWED = 5
"""A band of severity with fewer reviewed items is taken together with the next."""
LEVEL = 0.95
DRAWS = 4000
ANY = "any"
"""In place of a label: whether a comment has any."""

Figures = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Estimate:
    """A share and its 95 % interval; all None where there are too few reviews."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Sample:
    """Reviewed items, each with how it came to be reviewed; all of one length."""

    probabilities: Sequence[float]
    """With which each was reviewed, where bands that nobody reached are taken to be like the nearest."""
    reached: Sequence[float]
    """The same for the items in the part of the queue that was reached alone."""
    is_random: Sequence[bool]
    text_keys: Sequence[str]


def shares_by_band(
    bands: Mapping[int, tuple[int, int]],
) -> tuple[dict[int, float], dict[int, float]]:
    """{band: share reviewed} from {band: (came up, reviewed)}: of all that came up, and of what was reached.

    From the most severe band on, small bands are joined with the next. Bands below the last
    reviewed item were not reached: the first answer counts them with the band above, the second leaves them
    out. Without a reviewed item both are empty.
    """
    reached = [band for band in bands if any(bands[below][1] for below in bands if below <= band)]
    groups: list[list[int]] = [[]]
    seen = 0
    for band in sorted(reached, reverse=True):
        if seen >= MIN_REVIEWED:
            groups.append([])
            seen = 0
        groups[-1].append(band)
        seen += bands[band][1]
    if len(groups) > 1 and seen < MIN_REVIEWED:  # the last is too small to stand alone
        last = groups.pop()
        groups[-1] += last
    of_reached = {band: share for group in groups for band, share in _shares(bands, group, [])}
    unreached = [band for band in bands if band not in of_reached]
    of_all = dict(of_reached)
    if of_reached:
        of_all.update(_shares(bands, groups[-1], unreached))
    return of_all, of_reached


def _shares(
    bands: Mapping[int, tuple[int, int]], group: Sequence[int], beside: Sequence[int]
) -> list[tuple[int, float]]:
    count = sum(bands[band][0] for band in (*group, *beside))
    reviewed = sum(bands[band][1] for band in group)
    return [(band, reviewed / count) for band in (*group, *beside)] if reviewed else []


def figures(
    truth: NDArray[np.float64], is_flagged: NDArray[np.bool_], labels: Sequence[str], sample: Sample
) -> dict[str, Figures]:
    """{label, or ANY: {"precision" | "recall": {"value", "low", "high"}}}.

    truth: (n_items, n_labels) of 0, 1 or NaN (not looked at, left out of that label). is_flagged: the same
    shape, what the version says. ANY is known of items of which any label is true or all were looked at.

    Precision is that of what it flags down to where the queue was read; recall that of the whole site.
    """
    columns = {ANY: of_any_label(truth, is_flagged)}
    columns |= {label: (truth[:, place], is_flagged[:, place]) for place, label in enumerate(labels)}
    by_label = {}
    for label, (is_true, flagged) in columns.items():
        precision, recall = precision_and_recall(is_true, flagged, sample)
        by_label[label] = {"precision": asdict(precision), "recall": asdict(recall)}
    return by_label


def of_any_label(
    truth: NDArray[np.float64], is_flagged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return n_items of 0, 1 or NaN whether any label is true, and of whether any is flagged.

    It is known of items of which any label is true or all were looked at.
    """
    any_true = (np.nan_to_num(truth) >= 0.5).any(axis=1)
    any_known = any_true | ~np.isnan(truth).any(axis=1)
    return np.where(any_known, any_true.astype(np.float64), np.nan), np.asarray(is_flagged.any(axis=1), bool)


def precision_and_recall(
    is_true: NDArray[np.float64], is_flagged: NDArray[np.bool_], sample: Sample, seed: int = 20
) -> tuple[Estimate, Estimate]:
    """Estimate both for one label. is_true: 0, 1 or NaN (left out)."""
    known = ~np.isnan(is_true)
    if not known.any():
        return Estimate(), Estimate()
    toxic, is_flagged = is_true[known] >= 0.5, is_flagged[known]
    random = np.asarray(sample.is_random, dtype=bool)[known]
    _, texts = np.unique(np.asarray(sample.text_keys, dtype=object)[known].astype(str), return_inverse=True)
    everywhere = 1 / np.asarray(sample.probabilities, dtype=np.float64)[known]
    reached = 1 / np.asarray(sample.reached, dtype=np.float64)[known]
    generator = np.random.default_rng(seed)

    def total(of: NDArray[np.bool_], among: NDArray[np.bool_], weights: NDArray[np.float64]) -> _Total:
        parts = [_part(of & part, among & part, weights, texts, generator) for part in (random, ~random)]
        return _Total(sum(part.value for part in parts), np.sum([part.draws for part in parts], axis=0))

    precision = recall = Estimate()
    if _effective(reached[is_flagged], texts[is_flagged]) >= MIN_FLAGGED:
        right = total(is_flagged & toxic, is_flagged, reached)
        wrong = total(is_flagged & ~toxic, is_flagged, reached)
        precision = _share(right, wrong)
    if random.sum() >= MIN_RANDOM:
        right = total(is_flagged & toxic, is_flagged, everywhere)
        missed = total(~is_flagged & toxic, ~is_flagged, everywhere)
        recall = _share(right, missed)
    return precision, recall


@dataclass(frozen=True)
class _Total:
    """A weighted number of comments: its estimate, and draws from what it may be."""

    value: float
    draws: NDArray[np.float64]


def _part(
    of: NDArray[np.bool_],
    among: NDArray[np.bool_],
    weights: NDArray[np.float64],
    texts: NDArray[np.intp],
    generator: np.random.Generator,
) -> _Total:
    """Estimate how many comments the items `of` stand for; `among`: those that might have been such.

    Of none among thirty random ones there may be some on the site all the same: then half an item (Jeffreys).
    """
    if not among.any():
        return _Total(0.0, np.zeros(DRAWS))
    if not of.any():
        return _Total(0.0, generator.gamma(0.5, weights[among].mean(), DRAWS))
    of_texts = np.bincount(texts[of], weights=weights[of])
    value = float(of_texts.sum())
    count = value**2 / float((of_texts**2).sum())
    count /= 1 + 1 / count  # the spread is itself an estimate, from so many texts
    return _Total(value, generator.gamma(count + 0.5, value / count, DRAWS))


def _share(of: _Total, others: _Total) -> Estimate:
    whole = of.value + others.value
    if not whole:
        return Estimate()
    low, high = np.quantile(of.draws / (of.draws + others.draws), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(of.value / whole, float(low), float(high))


def _effective(weights: NDArray[np.float64], texts: NDArray[np.intp]) -> float:
    if not len(weights):
        return 0.0
    of_texts = np.bincount(texts, weights=weights)
    return float(of_texts.sum() ** 2 / (of_texts**2).sum())
