"""Exact intervals of shares, and of weighted sums of them. Numbers in, numbers out; needs no library.

A web process makes them: it has no numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEVEL = 0.95
_HALVINGS = 60

Function = Callable[[float], float]


@dataclass(frozen=True)
class Share:
    """A share with its interval, each 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Sum:
    """A weighted sum of shares with its interval."""

    value: float
    low: float
    high: float


def exact(successes: int, trials: int, level: float = LEVEL) -> Share:
    """Return the share of successes with its exact interval (Clopper & Pearson 1934).

    Nothing is known of no trials: then it is 0 to 1, about a half. Raises ValueError for impossible counts.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials}")
    if trials == 0:
        return Share(0.5, 0.0, 1.0)
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else _root(lambda p: 1 - _at_most(successes - 1, trials, p) - tail)
    high = 1.0 if successes == trials else _root(lambda p: tail - _at_most(successes, trials, p))
    return Share(successes / trials, low, high)


def combined(parts: Sequence[tuple[float, Share]]) -> Sum:
    """Return the sum of weight times share over independent parts, by MOVER (Zou & Donner 2008).

    The method recovers each part's variance from its own interval, which need not be symmetric. Weights of
    either sign.
    """
    value = sum(weight * share.value for weight, share in parts)
    below = above = 0.0
    for weight, share in parts:
        down, up = weight * (share.value - share.low), weight * (share.high - share.value)
        if weight < 0:
            down, up = -up, -down
        below += down**2
        above += up**2
    return Sum(value, value - math.sqrt(below), value + math.sqrt(above))


def _at_most(successes: int, trials: int, p: float) -> float:
    """Return the probability that at most `successes` of `trials` succeed, each with p, 0 < p < 1."""
    logs = math.log(p), math.log1p(-p)
    whole = math.lgamma(trials + 1)
    terms = (
        whole - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * logs[0] + (trials - k) * logs[1]
        for k in range(successes + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def _root(rises: Function) -> float:
    """Return where a rising function of 0 to 1 crosses zero, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if rises(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
