"""Cluster bootstrap of weighted means: texts are drawn with replacement, each with all its items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Texts = NDArray[np.int64]

RESAMPLES = 4000


def numbered(keys: Sequence[object]) -> Texts:
    """Number the different keys 0, 1, 2 ..., in the order in which they come."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def means(
    values: Array, weights: Array, texts: Texts, *, resamples: int = RESAMPLES, seed: int = 20
) -> Array:
    """Return the weighted mean of n_items values in each of the resamples, float (resamples,).

    Field & Welsh 2007; Efron & Tibshirani 1993, chapter 13. texts: n_items, the number of each item's text.
    """
    return np.concatenate(
        [
            of_texts[:, 0] / of_texts[:, 1]
            for of_texts in sums(np.stack([weights * values, weights], axis=1), texts, resamples, seed)
        ]
    )


def sums(columns: Array, texts: Texts, resamples: int = RESAMPLES, seed: int = 20) -> Iterator[Array]:
    """Yield the sums of each column, (n_items, m), over the items of the drawn texts, as blocks of (k, m).

    The same seed and texts give the same draws, so that measurements can be paired.
    """
    _, number = np.unique(texts, return_inverse=True)
    of_texts = np.stack([np.bincount(number, weights=column) for column in columns.T], axis=1)
    count = len(of_texts)
    generator = np.random.default_rng(seed)
    chunk = max(1, 1_000_000 // count)
    for start in range(0, resamples, chunk):
        drawn = generator.integers(0, count, (min(chunk, resamples - start), count))
        yield np.stack([column[drawn].sum(axis=1) for column in of_texts.T], axis=1)


def interval(values: Array) -> tuple[float, float]:
    """Return the 95 % percentile interval of resampled figures, those that are undefined left out."""
    defined = values[np.isfinite(values)]
    if not len(defined):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [0.025, 0.975])
    return float(low), float(high)
