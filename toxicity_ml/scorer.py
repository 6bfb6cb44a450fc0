"""What scores texts, as those see it who only ask for scores."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Scorer(Protocol):
    """The part of a Classifier that an Ensemble has as well: what ensembles and explanations ask for."""

    labels: tuple[str, ...]
    thresholds: dict[str, float]
    task: str
    version: str

    def predict_array(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Calibrated probabilities, float32 (n_texts, n_labels)."""
        ...

    def logits(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Uncalibrated logits, float32 (n_texts, n_labels)."""
        ...
