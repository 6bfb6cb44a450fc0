"""Bootstrap: rows drawn with replacement, as weights, in blocks that fit in memory; and intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
BLOCK_CELLS = 4_000_000
"""Resamples times rows held at once: 32 MB of weights, however many rows there are."""


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13)."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def weightings(weights: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """The rows' own weights, then ``resamples`` bootstrap draws of them, as blocks of float (k, n).

    weights: float (n,). A drawn row weighs its weight times how often it was drawn. The same seed gives the
    same draws, whatever is measured on them, so that two measurements can be paired.
    """
    weights = np.asarray(weights, dtype=float)
    rows = len(weights)
    generator = np.random.default_rng(seed)
    yield weights[None, :]
    size = max(1, BLOCK_CELLS // max(rows, 1))
    for start in range(0, resamples, size):
        count = min(size, resamples - start)
        drawn = generator.integers(0, max(rows, 1), size=(count, rows))
        cells = (drawn + np.arange(count)[:, None] * rows).ravel()
        times = np.bincount(cells, minlength=count * rows).reshape(count, rows)
        yield times * weights[None, :]


def resampled_sums(
    columns: np.ndarray, weights: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """Weighted sums of columns over the rows, then over each draw: float (1 + resamples, m).

    columns: float or bool (n, m). weights: float (n,). Shares and ratios of sums have their intervals by
    division.
    """
    columns = np.asarray(columns, dtype=float)
    return np.concatenate([block @ columns for block in weightings(weights, resamples, seed)])


def interval(values: np.ndarray) -> Interval | None:
    """The first value is the figure, the others its resamples; None when the figure is undefined (NaN)."""
    if not np.isfinite(values[0]):
        return None
    rest = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(rest, [2.5, 97.5]) if len(rest) else (values[0], values[0])
    return Interval(float(values[0]), float(low), float(high))
