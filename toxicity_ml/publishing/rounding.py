"""Rounds a matrix to seven-bit integers so that what it does to typical inputs changes least.

Rows are rounded one after the other, and what rounding one adds is taken off those that are still to come, as
far as they vary with it (Frantar et al. 2023, "GPTQ", algorithm 1).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

LARGEST = 63
"""Seven bits: sums of products with eight-bit activations do not overflow where a processor lacks VNNI."""
DAMPING = 0.05
"""Share of the mean variance that is added to each input's, so that the covariance can be inverted."""
UNSURE = 0.25
"""How far covariances of few tokens are distrusted: those between channels are taken times
n / (n + UNSURE * channels) for n tokens. Without it 15 short texts mislead the rounding of a MiniLM."""
_ROWS = 64
_LEAST = 1e-12


@dataclass(frozen=True)
class Activations:
    """What calibration texts put into a product."""

    largest: np.ndarray
    """The largest magnitude of each channel, (inputs,)."""
    mean: np.ndarray
    """(inputs,)."""
    covariance: np.ndarray
    """(inputs, inputs)."""

    def times(self, factors: np.ndarray) -> "Activations":
        """The same after each channel is multiplied by its factor, (inputs,)."""
        return Activations(
            self.largest * np.abs(factors),
            self.mean * factors,
            self.covariance * factors[:, np.newaxis] * factors[np.newaxis, :],
        )


class Tally:
    """Adds up what goes into a product over many tokens."""

    def __init__(self) -> None:
        self._tokens = 0
        self._largest: Any = 0.0
        self._origin: Any = None
        self._sum: Any = 0.0
        self._products: Any = 0.0

    def add(self, values: np.ndarray) -> None:
        """values: float32 (tokens, channels), with at least one token."""
        if self._origin is None:
            # near the mean, so that float32 keeps the small variance of a channel that is always large
            self._origin = values.mean(axis=0)
        self._tokens += len(values)
        self._largest = np.maximum(self._largest, np.abs(values).max(axis=0))
        centred = values - self._origin
        self._sum = self._sum + centred.sum(axis=0, dtype=np.float64)
        self._products = self._products + centred.T @ centred

    def activations(self) -> Activations:
        """What was seen, once something was added; covariances as far as they can be trusted."""
        mean = self._sum / self._tokens
        covariance = self._products.astype(np.float64) / self._tokens - np.outer(mean, mean)
        variances = np.diag(covariance).copy()
        covariance *= self._tokens / (self._tokens + UNSURE * len(variances))
        np.fill_diagonal(covariance, variances)
        return Activations(self._largest, self._origin + mean, covariance)


def rounded(weight: np.ndarray, seen: Activations) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Round a matrix, (inputs, outputs), with one scale for each output.

    Returns the integers, int8 of its shape; the scales, float32 (outputs,); and what to add to the bias,
    (outputs,), so that the mean output stays as it was.
    """
    scales = np.maximum(np.abs(weight).max(axis=0) / LARGEST, _LEAST).astype(np.float32)
    order = np.argsort(-np.diag(seen.covariance), kind="stable")  # what varies most is rounded first
    factor = _factor(seen.covariance[np.ix_(order, order)])
    integers = np.zeros(weight.shape)
    left = weight[order].astype(np.float64)
    for start in range(0, len(left), _ROWS):
        stop = min(start + _ROWS, len(left))
        errors = np.zeros((stop - start, weight.shape[1]))
        for row in range(start, stop):
            integers[row] = np.clip(np.rint(left[row] / scales), -LARGEST, LARGEST)
            error = (left[row] - integers[row] * scales) / factor[row, row]
            left[row + 1 : stop] -= factor[row, row + 1 : stop, np.newaxis] * error
            errors[row - start] = error
        left[stop:] -= factor[start:stop, stop:].T @ errors
    integers[order] = integers.copy()
    return integers.astype(np.int8), scales, seen.mean @ (weight - integers * scales)


def _factor(covariance: np.ndarray) -> np.ndarray:
    """The upper triangular factor U of the damped covariance's inverse, U'U."""
    damping = max(DAMPING * float(np.diag(covariance).mean()), _LEAST)
    damped = covariance.astype(np.float64) + damping * np.eye(len(covariance))
    factor: np.ndarray = np.linalg.cholesky(np.linalg.inv(damped)).T
    return factor
