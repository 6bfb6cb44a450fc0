"""Ways of running the network, one small module each: token ids of one window in, one logit per label out."""

from typing import Protocol

import numpy as np


class Backend(Protocol):
    """What the classifier asks of a way of running the network. Safe to call from many threads at once."""

    def run(self, ids: np.ndarray) -> np.ndarray:
        """ids: int64 (length,), special tokens included. Returns logits, float32 (n_labels,)."""
        ...
