"""From logits to probabilities: the sigmoid of a label, the softmax over classes. Both compute in float64."""

import numpy as np


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow, any shape."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """exp(x) / sum(exp(x)) over the last axis without overflow, any shape."""
    logits = np.asarray(logits, dtype=np.float64)
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: np.ndarray = odds / odds.sum(axis=-1, keepdims=True)
    return result
