"""Pools the logits of a text's windows into those of the text. Needs no model and no tokenizer."""

from collections.abc import Sequence

import numpy as np

from toxicity_ml.labels import SINGLE_LABEL

WINDOW_TEMPERATURE = 0.5
"""The temperature of versions that are published now. The highest of many windows is high by chance too:
docs/experiments.md has what this is worth."""
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.001, 100.0
"""Between them a temperature can be computed with; 0 is allowed as well."""

Reading = tuple[np.ndarray, int]
"""The logits of the windows that were run, float (n_windows, n_labels), and how many windows the reading has
in all: of an undisguised one only those that show it are run, and the others count as saying nothing."""


def pool_windows(readings: Sequence[Reading], task: str, temperature: float) -> np.ndarray:
    """Pool the windows of one or two readings of a text. Returns its logits, float32 (n_labels,).

    For several labels each reading is pooled by log-mean-exp, temperature * log(mean(exp(logits /
    temperature))), and the higher reading counts, for each label. The result lies between the mean of the
    windows and the highest of them, at most temperature * log(n_windows) below that; temperature 0 gives the
    highest.

    For one of several classes it is the mean of all windows; the temperature does not matter.
    """
    if task == SINGLE_LABEL:
        windows = np.concatenate([logits for logits, _ in readings])
        return np.asarray(windows.mean(axis=0, dtype=np.float64), dtype=np.float32)
    pooled = [_log_mean_exp(logits, count, temperature) for logits, count in readings]
    return np.asarray(np.max(pooled, axis=0), dtype=np.float32)


def is_temperature(value: object) -> bool:
    """True for a number that windows can be pooled with: 0, or one within the bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == 0 or LOWEST_TEMPERATURE <= value <= HIGHEST_TEMPERATURE


def _log_mean_exp(logits: np.ndarray, count: int, temperature: float) -> np.ndarray:
    """count: of the reading's windows, the mean's divisor."""
    highest: np.ndarray = logits.max(axis=0)
    if temperature == 0 or count == 1:
        return highest
    above = np.exp((logits.astype(np.float64) - highest) / temperature).sum(axis=0) / count
    pooled: np.ndarray = highest + temperature * np.log(above)
    return pooled
