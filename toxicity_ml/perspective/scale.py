"""Maps a version's scores onto the scale of the Perspective API, for which sites have set their thresholds.

Perspective's score is about the share of people who would say so, a version's the probability that most
would, so the same comment has two numbers. A map for each label turns one into the other. It keeps the order
of the comments, and so says nothing of which are worse; knows no texts and no model.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING

from toxicity_ml.errors import DataError
from toxicity_ml.extras import naming_the_extra

if TYPE_CHECKING:
    import numpy as np

Knots = tuple[tuple[float, float], ...]
"""Points (a version's score, Perspective's), both rising from (0, 0) to (1, 1), with lines between."""

MAX_KNOTS = 1_000
MIN_ROWS = 10
"""Comments that a knot stands for, and of which half lie beyond the highest one: fewer decide nothing."""
_PLACES = 6
_LEAST = 10**-_PLACES
_TILT = 1e-3
"""How much of the straight line from (0, 0) to (1, 1) is in each map, so that no two scores become one."""


@dataclass(frozen=True)
class Scale:
    """Maps of scores, one for each label that has one."""

    maps: Mapping[str, Knots]

    def apply(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Map scores {label: 0 to 1}, in their order; a label without a map keeps its score."""
        return {label: self.of(label, score) for label, score in scores.items()}

    def of(self, label: str, score: float) -> float:
        """Map one label's score, 0 to 1; as it is where the label has no map."""
        knots = self.maps.get(label)
        return score if knots is None else _interpolated(knots, score)

    def to_json(self) -> dict[str, list[list[float]]]:
        """Give the maps as a manifest holds them: ``{label: [[score, mapped], …]}``."""
        return {label: [list(knot) for knot in knots] for label, knots in self.maps.items()}

    def functions(self) -> dict[str, Callable[[float], float]]:
        """Give each label's map as a function of one score."""
        return {label: partial(_interpolated, knots) for label, knots in self.maps.items()}

    @classmethod
    def from_json(cls, content: object) -> "Scale":
        """Read what ``to_json`` gave. Raises DataError, naming the label, for what is no such map."""
        if not isinstance(content, Mapping):
            raise DataError("A scale is an object with a map for each label.")
        return cls({str(label): _checked(str(label), knots) for label, knots in content.items()})


def fit_to_quantiles(
    ours: "Sequence[float] | np.ndarray",
    quantiles: "Sequence[float] | np.ndarray",
    theirs: "Sequence[float] | np.ndarray",
    *,
    comments: int,
    weights: "Sequence[float] | np.ndarray | None" = None,
) -> Knots:
    """Fit one label's map to the distribution of Perspective's scores on other comments of the same kind.

    ours: scores, float (n,), of comments that were drawn without regard to their scores, or that ``weights``,
    float (n,), make stand for such. theirs: the score, float (m,), that the share ``quantiles``, float (m,),
    of ``comments`` comments does not exceed. Equal shares of both then lie over each score of Perspective's
    (quantile matching). The score that a knot stands at is the mean, in log-odds, over the share of MIN_ROWS
    comments about it. Beyond the highest knot, over which half of that lie, the map is a straight line to
    (1, 1); of weighted comments an effective number counts (Kish 1965).

    Raises DataError where there are fewer than ten times MIN_ROWS comments, or a number is no share.
    """
    with naming_the_extra():
        import numpy as np
    scores, weight = _rows(ours, weights)
    shares, levels = _shares(quantiles, "quantiles"), _shares(theirs, "theirs")
    if len(shares) != len(levels) or (np.diff(shares) <= 0).any() or (np.diff(levels) < 0).any():
        raise DataError("quantiles and theirs must be as many, and rise together.")
    if comments < 10 * MIN_ROWS:
        raise DataError(f"{comments} comments are too few to fit a scale to: it takes {10 * MIN_ROWS}.")
    order = np.argsort(scores)
    scores, weight = scores[order], weight[order]
    log_odds = np.log(np.clip(scores, _LEAST, 1 - _LEAST)) - np.log1p(-np.clip(scores, _LEAST, 1 - _LEAST))
    below = (np.cumsum(weight) - weight / 2) / weight.sum()
    points: list[tuple[float, float]] = []
    # of each score of theirs the largest share, over which the next higher score begins
    ends = np.append(levels[1:] > levels[:-1], True)
    for share, level in zip(shares[ends], levels[ends], strict=True):
        beyond = min(_effective(weight[below > share]), (1 - share) * comments)
        if beyond < MIN_ROWS / 2 - _LEAST:
            break
        half = min(MIN_ROWS / 2 / comments, share, 1 - share)
        around = np.interp(np.linspace(share - half, share + half, 2 * MIN_ROWS + 1), below, log_odds)
        points.append((1 / (1 + float(np.exp(-around.mean()))), float(level)))
    return _knots(points)


def fit_to_pairs(
    ours: "Sequence[float] | np.ndarray",
    theirs: "Sequence[float] | np.ndarray",
    *,
    weights: "Sequence[float] | np.ndarray | None" = None,
) -> Knots:
    """Fit one label's map to scores that Perspective gave the very same comments.

    ours, theirs: scores, float (n,), of the same comments; weights: float (n,), 1 each by default. Comments
    of neighbouring scores are taken together, MIN_ROWS or a hundredth of them at a time, and the means of
    theirs made to rise with ours (isotonic regression by pooling adjacent violators, Ayer et al. 1955).

    Raises DataError where there are fewer than ten times MIN_ROWS comments, or a number is no share.
    """
    with naming_the_extra():
        import numpy as np
    scores, weight = _rows(ours, weights)
    levels = _shares(theirs, "theirs")
    if len(levels) != len(scores):
        raise DataError("ours and theirs must be as many.")
    order = np.argsort(scores, kind="stable")
    points: list[tuple[float, float]] = []
    masses: list[float] = []
    for group in np.array_split(order, min(100, len(order) // MIN_ROWS)):
        mass = float(weight[group].sum())
        if mass > 0:
            mean = weight[group] / mass
            points.append((float(scores[group] @ mean), float(levels[group] @ mean)))
            masses.append(mass)
    rising = _isotonic([level for _, level in points], masses)
    return _knots([(score, level) for (score, _), level in zip(points, rising, strict=True)])


def _isotonic(values: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The nearest values, in weighted squares, that never fall."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values, weights, strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, mass, length = blocks.pop()
            total = mass + block[1]
            block = ((mean * mass + block[0] * block[1]) / total, total, length + block[2])
        blocks.append(block)
    return [mean for mean, _, length in blocks for _ in range(length)]


def _knots(points: Sequence[tuple[float, float]]) -> Knots:
    """The map through these points, from (0, 0) to (1, 1), strictly rising, in numbers of few places."""
    knots = [(0.0, 0.0)]
    for score, level in points:
        x, y = round(score, _PLACES), round((1 - _TILT) * level + _TILT * score, _PLACES)
        if knots[-1][0] + _LEAST <= x <= 1 - _LEAST and knots[-1][1] + _LEAST <= y <= 1 - _LEAST:
            knots.append((x, y))
    return (*knots, (1.0, 1.0))


def _interpolated(knots: Knots, score: float) -> float:
    index = min(max(bisect_right(knots, score, key=lambda knot: knot[0]), 1), len(knots) - 1)
    (left, low), (right, high) = knots[index - 1], knots[index]
    place = min(max((score - left) / (right - left), 0.0), 1.0)
    return low + place * (high - low)


def _checked(label: str, content: object) -> Knots:
    """The knots in a JSON value. Raises DataError."""

    def wrong(what: str) -> DataError:
        return DataError(f"The scale of {label} {what}.")

    if not isinstance(content, Sequence) or isinstance(content, str) or not 2 <= len(content) <= MAX_KNOTS:
        raise wrong(f"is no list of 2 to {MAX_KNOTS} points")
    knots: list[tuple[float, float]] = []
    for point in content:
        if not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2:
            raise wrong("has a point that is no pair")
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in point):
            raise wrong("has a point that is no pair of numbers")
        if not all(0 <= value <= 1 for value in point):
            raise wrong("leaves the range from 0 to 1")
        knots.append((float(point[0]), float(point[1])))
    if knots[0] != (0.0, 0.0) or knots[-1] != (1.0, 1.0):
        raise wrong("does not go from 0, 0 to 1, 1")
    if any(right[0] <= left[0] or right[1] <= left[1] for left, right in pairwise(knots)):
        raise wrong("does not rise all the way")
    return tuple(knots)


def _rows(
    ours: "Sequence[float] | np.ndarray", weights: "Sequence[float] | np.ndarray | None"
) -> "tuple[np.ndarray, np.ndarray]":
    """Scores and weights, float (n,). Raises DataError where they are too few or no such numbers."""
    import numpy as np

    scores = _shares(ours, "ours")
    if len(scores) < 10 * MIN_ROWS:
        raise DataError(f"{len(scores)} comments are too few to fit a scale to: it takes {10 * MIN_ROWS}.")
    weight = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    if (
        weight.shape != scores.shape
        or not (weight >= 0).all()
        or not isfinite(total := weight.sum())
        or not total
    ):
        raise DataError("weights must be as many as the scores, none under 0, and not all 0.")
    return scores, weight


def _shares(values: "Sequence[float] | np.ndarray", name: str) -> "np.ndarray":
    import numpy as np

    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} are not all numbers.") from error
    if array.ndim != 1 or not len(array) or not ((array >= 0) & (array <= 1)).all():
        raise DataError(f"{name} must be numbers from 0 to 1.")
    return array


def _effective(weights: "np.ndarray") -> float:
    """How many rows of equal weight tell as much."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0
