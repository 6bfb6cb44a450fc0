"""Estimates for each threshold of a label what share of what it flags is right, and what share it finds."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from moderation.review import statistics
from moderation.review.estimates import Item, Reviewed, drawn_items, sample_of
from moderation.review.statistics import Estimate

__all__ = ["PRECISION", "RECALL", "Point", "Proposal", "curve", "of_models", "propose"]

PRECISION, RECALL = "precision", "recall"
"""What a wish can be about."""

POINTS = 24
"""Thresholds of a curve, at equal steps of the scores that reviewed texts have."""


FINE_POINTS = 60
"""Thresholds among which a wish is looked for."""


@dataclass(frozen=True)
class Point:
    """What one threshold of one label does, with 95 % intervals; all None where there are too few reviews."""

    threshold: float
    precision: Estimate
    recall: Estimate


@dataclass(frozen=True)
class Proposal:
    """The threshold of a label at which the estimate meets a wish, and what the reviews say of it.

    An estimate is as often too high as too low: the interval says how far the truth may lie below the wish.
    """

    threshold: float | None
    """None: too few reviews, or no threshold meets the wish."""
    point: Point | None = None
    """What is estimated at that threshold; where none meets the wish, at the one that comes nearest; None:
    there are too few reviews."""
    flagged: int = 0
    """Decided comments that it flags: precision rests on them."""
    positives: int = 0
    """Decided comments that have the label: recall rests on them, and mostly on the random ones."""
    random: int = 0
    """Decided comments that came up at random, with the label or without."""

    @property
    def lacks_random(self) -> bool:
        """True where too few came up at random to say anything of recall."""
        return self.random < statistics.MIN_RANDOM


def of_models(reviewed: Reviewed, content_types: Collection[int]) -> Reviewed:
    """Return those of the reviewed screenings that belong to one of these models."""
    return replace(reviewed, items=[item for item in reviewed.items if item.content_type_id in content_types])


def curve(reviewed: Reviewed, label: str, among: Sequence[float] = ()) -> list[Point]:
    """Estimate precision and recall of a label at thresholds from low to high; empty without any figure.

    among: thresholds that are to be on the curve besides its own steps.
    """
    items = [item for item in drawn_items(reviewed) if label in (item.scores or {})]
    if not items:
        return []
    truth = np.array([_truth(item, label) for item in items])
    scores = np.array([(item.scores or {})[label] for item in items])
    points = []
    for threshold in sorted({*_steps(scores), *among}):
        point = _point(truth, scores, items, threshold)
        if point.precision.value is not None or point.recall.value is not None:
            points.append(point)
    return points


def propose(reviewed: Reviewed, label: str, kind: str, at_least: float) -> Proposal:
    """Find the threshold that flags most of a label with precision of `at_least`, or fewest with that recall.

    kind: PRECISION or RECALL. at_least: 0 to 1. Recall falls as the threshold rises; precision rises only on
    the whole, so it is first made to rise by pooling neighbours (isotonic regression, Ayer et al. 1955).
    """
    items = [item for item in drawn_items(reviewed) if label in (item.scores or {})]
    items = [item for item in items if item.labels.get(label) is not None]
    truth = np.array([_truth(item, label) for item in items])
    scores = np.array([(item.scores or {})[label] for item in items])
    positives, random = int((truth >= 0.5).sum()), sum(item.is_random for item in items)
    points = [_point(truth, scores, items, step) for step in _steps(scores, FINE_POINTS)]
    known = [(point, value) for point in points if (value := _of(point, kind).value) is not None]
    if not known:
        return Proposal(None, positives=positives, random=random)
    values = [value for _, value in known]
    if kind == PRECISION:
        meeting = [
            point
            for (point, value), pooled in zip(known, _rising(values), strict=True)
            if pooled >= at_least and value >= at_least
        ]
        best = meeting[0] if meeting else None
    else:
        meeting = [point for point, value in known if value >= at_least]
        best = meeting[-1] if meeting else None
    nearest = best or known[int(np.argmax(values))][0]
    flagged = int((scores >= nearest.threshold).sum())
    return Proposal(best.threshold if best else None, nearest, flagged, positives, random)


def _of(point: Point, kind: str) -> Estimate:
    return point.precision if kind == PRECISION else point.recall


def _point(
    truth: NDArray[np.float64], scores: NDArray[np.float64], items: Sequence[Item], threshold: float
) -> Point:
    return Point(threshold, *statistics.precision_and_recall(truth, scores >= threshold, sample_of(items)))


def _rising(values: Sequence[float]) -> list[float]:
    """Return the values nearest to these of which none is smaller than the one before."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (high, many), (low, few) = blocks[-2:]
            blocks[-2:] = [((high * many + low * few) / (many + few), many + few)]
    return [value for value, count in blocks for _ in range(count)]


def _truth(item: Item, label: str) -> float:
    value = item.labels.get(label)
    return math.nan if value is None else float(value)


def _steps(scores: NDArray[np.float64], count: int = POINTS) -> list[float]:
    """Thresholds at equal shares of the scores from 0.05 on: no site flags from less."""
    high = scores[scores >= 0.05]
    if not len(high):
        return []
    return sorted({round(float(step), 3) for step in np.quantile(high, np.linspace(0, 1, count))})
