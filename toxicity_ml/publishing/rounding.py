"""Rounds a matrix to seven-bit integers so that what it does to typical inputs changes least.

Rows are rounded one after the other, and what rounding one adds is taken off those that are still to come, as
far as they vary with it (Frantar et al. 2023, "GPTQ", algorithm 1).
"""

from dataclasses import dataclass

import numpy as np

LARGEST = 63
"""Seven bits: sums of products with eight-bit activations do not overflow where a processor lacks VNNI."""
DAMPING = 0.05
"""Share of the mean variance that is added to each input's, so that the covariance can be inverted."""
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
