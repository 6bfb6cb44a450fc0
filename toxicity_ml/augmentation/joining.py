"""Joining a comment to another one, so that a model learns to find an insult among harmless sentences."""

import numpy as np


def join(text: str, companion: str, generator: np.random.Generator) -> str:
    """The two texts in either order, each order as often, a space between them.

    Its labels are those of either text (``joined_labels``).
    """
    first, second = (text, companion) if generator.random() < 0.5 else (companion, text)
    return f"{first.strip()} {second.strip()}"


def joined_labels(labels: np.ndarray, companion: np.ndarray) -> np.ndarray:
    """Each label's larger value: a joined text has a label when one of its parts has it.

    labels, companion: float (n_labels,), NaN = masked. A masked label stays masked, unless the other text has
    the label for certain.
    """
    known = np.fmax(labels, companion)
    masked = np.isnan(labels) | np.isnan(companion)
    result: np.ndarray = np.where(masked & (known < 1), np.nan, known)
    return result
