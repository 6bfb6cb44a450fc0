"""Draws the precision-recall curve of a label as SVG, with every point in words; numbers in, texts out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _

if TYPE_CHECKING:  # they need NumPy, which only workers must have
    from moderation.review.operating_points import Point
    from moderation.review.statistics import Estimate

NOTHING = "\u2013"
"""Stands for a figure for which there are too few reviews."""
WIDTH, HEIGHT = 200, 120
"""Of the drawing, in its own units; the page scales it."""


@dataclass(frozen=True)
class Dot:
    """One threshold on the curve."""

    threshold: float
    x: str
    y: str
    precision: str
    recall: str

    @property
    def number(self) -> str:
        """Return the threshold as a form takes it."""
        return f"{self.threshold:.3f}"

    @property
    def shown(self) -> str:
        """Return the threshold as people read it."""
        return number_format(round(self.threshold, 3), 3)

    @property
    def spoken(self) -> str:
        """Say in a sentence what this threshold does."""
        return _("From %(threshold)s on: precision %(precision)s, recall %(recall)s.") % {
            "threshold": self.shown,
            "precision": self.precision,
            "recall": self.recall,
        }


@dataclass(frozen=True)
class Curve:
    """What a threshold of one label does, drawn."""

    label: str
    dots: Sequence[Dot]
    now: Dot | None
    """At the threshold in force; None: the label never counts, or nothing is known there."""

    @property
    def line(self) -> str:
        """Return the points of the line, as SVG has them."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)

    @property
    def most(self) -> int:
        """Return the place of the last dot, for the slider."""
        return len(self.dots) - 1

    @property
    def place(self) -> int:
        """Return the place of the dot in force, for the slider."""
        return next((place for place, dot in enumerate(self.dots) if dot is self.now), 0)


def drawn(label: str, points: Sequence[Point], in_force: float | None) -> Curve | None:
    """Make a drawing of the points that have both figures; None where they are fewer than two."""
    dots = [
        _dot(point)
        for point in points
        if point.precision.value is not None and point.recall.value is not None
    ]
    if len(dots) < 2:
        return None
    now = next((dot for dot in dots if in_force is not None and abs(dot.threshold - in_force) < 1e-9), None)
    return Curve(label, dots, now)


def in_words(estimate: Estimate) -> str:
    """Write a share with its interval, such as "81 % (74-88)"; NOTHING where there is no figure."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return NOTHING
    value, low, high = (
        number_format(round(100 * share), 0) for share in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} % ({low}\u2013{high})"


def _dot(point: Point) -> Dot:
    x, y = WIDTH * (point.recall.value or 0), HEIGHT * (1 - (point.precision.value or 0))
    return Dot(point.threshold, f"{x:.1f}", f"{y:.1f}", in_words(point.precision), in_words(point.recall))
