"""What the windows of one text say together. Needs no model and no tokenizer."""

from collections.abc import Sequence

import numpy as np

WINDOW_TEMPERATURE = 0.5
"""Of ``joint_logits`` in versions that are published now. The highest of many windows is high by chance too:
docs/experiments.md has what this is worth."""
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.001, 100.0
"""Between them a temperature can be computed with; 0 is allowed as well."""


def joint_logits(readings: Sequence[tuple[np.ndarray, int]], temperature: float) -> np.ndarray:
    """What the windows of a text say together: the higher of its readings, for each label.

    readings: one or two, each float (n_windows, n_labels) and how many windows that reading has in all: of
    an undisguised one only those that show it are run, and the others say nothing. Returns float32
    (n_labels,).

    Of a reading it is temperature * log(mean(exp(logits / temperature))), which lies between the mean of its
    windows and the highest of them, at most temperature * log(n_windows) below that; temperature 0 gives the
    highest.
    """
    together = [_joint(logits, count, temperature) for logits, count in readings]
    return np.asarray(np.max(together, axis=0), dtype=np.float32)


def _joint(logits: np.ndarray, count: int, temperature: float) -> np.ndarray:
    highest: np.ndarray = logits.max(axis=0)
    if temperature == 0 or count == 1:
        return highest
    above = np.exp((logits.astype(np.float64) - highest) / temperature).sum(axis=0) / count
    joint: np.ndarray = highest + temperature * np.log(above)
    return joint
