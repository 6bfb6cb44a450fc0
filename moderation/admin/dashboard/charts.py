"""Makes the numbers of small charts, bars by day and intervals, which templates draw as plain SVG.

Every number is text already, in the SVG's own units, so that no language writes it with a comma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720.0, 140.0
GAP = 0.2
"""Share of a bar's room that stays empty."""


@dataclass(frozen=True)
class Segment:
    """One coloured part of a bar."""

    kind: str
    """Of its colour: the class `chart-<kind>`."""
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Bar:
    """One bar, with what a pointer over it is told."""

    title: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Bars:
    """A row of stacked bars."""

    title: str
    legend: tuple[tuple[str, str], ...]
    """(kind, words) of each colour."""
    bars: tuple[Bar, ...]
    first: str
    last: str
    """Words under the first and the last bar."""
    most: str
    """Of the highest bar."""
    view_box: str = f"0 0 {WIDTH:g} {HEIGHT:g}"


@dataclass(frozen=True)
class Whisker:
    """An estimate with its interval on a line from `start` to 1, in per cent of the line."""

    low: str
    high: str
    width: str
    value: str
    zero: str
    """Where 0 stands; empty where the line begins there."""


def bars(
    title: str,
    kinds: Sequence[tuple[str, str]],
    columns: Sequence[tuple[str, Sequence[int]]],
    *,
    most: str = "",
) -> Bars | None:
    """Stack each column's numbers, the first at the bottom; None where nothing is over 0.

    kinds: (kind, words) of each number. columns: (words, numbers), from left to right.
    """
    highest = max((sum(numbers) for _, numbers in columns), default=0)
    if not highest:
        return None
    step = WIDTH / len(columns)
    drawn = []
    for place, (words, numbers) in enumerate(columns):
        segments, top = [], HEIGHT
        for (kind, _), number in zip(kinds, numbers, strict=True):
            height = HEIGHT * number / highest
            if number:
                top -= height
                x, width = place * step + step * GAP / 2, step * (1 - GAP)
                segments.append(Segment(kind, f"{x:.2f}", f"{top:.2f}", f"{width:.2f}", f"{height:.2f}"))
        told = ", ".join(f"{name} {number}" for (_, name), number in zip(kinds, numbers, strict=True))
        drawn.append(Bar(f"{words}: {told}", tuple(segments)))
    return Bars(title, tuple(kinds), tuple(drawn), columns[0][0], columns[-1][0], most or str(highest))


def whisker(low: float, value: float, high: float, *, start: float = 0.0) -> Whisker:
    """Place an interval on a line from `start` to 1; what lies outside stands at the line's end."""

    def at(number: float) -> float:
        return 100 * (min(1.0, max(start, number)) - start) / (1 - start)

    width = max(1.0, at(high) - at(low))
    zero = f"{at(0):.1f}%" if start < 0 else ""
    return Whisker(f"{at(low):.1f}%", f"{at(high):.1f}%", f"{width:.1f}%", f"{at(value):.1f}%", zero)
