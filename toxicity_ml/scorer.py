"""The protocol of what scores texts: a Classifier, or an Ensemble of several."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Scorer(Protocol):
    """Scores texts for each label. Ensembles and explanations ask for no more than this."""

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
