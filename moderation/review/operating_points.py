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

__all__ = ["Point", "curve", "of_models"]

POINTS = 24
"""Thresholds of a curve, at equal steps of the scores that reviewed texts have."""


@dataclass(frozen=True)
class Point:
    """What one threshold of one label does, with 95 % intervals; all None where there are too few reviews."""

    threshold: float
    precision: Estimate
    recall: Estimate


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
        precision, recall = statistics.precision_and_recall(truth, scores >= threshold, sample_of(items))
        if precision.value is not None or recall.value is not None:
            points.append(Point(threshold, precision, recall))
    return points


def _truth(item: Item, label: str) -> float:
    value = item.labels.get(label)
    return math.nan if value is None else float(value)


def _steps(scores: NDArray[np.float64]) -> list[float]:
    """Thresholds at equal shares of the scores from 0.05 on: no site flags from less."""
    high = scores[scores >= 0.05]
    if not len(high):
        return []
    return [round(float(step), 3) for step in np.quantile(high, np.linspace(0, 1, POINTS))]
