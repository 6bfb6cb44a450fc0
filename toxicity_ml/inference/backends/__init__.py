"""Ways of running the network, one small module each: token ids of one window in, one logit per label out."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np

from toxicity_ml.errors import BackendUnavailable


class Backend(Protocol):
    """Runs the network on one window. Safe to call from many threads at once."""

    def run(self, ids: np.ndarray) -> np.ndarray:
        """ids: int64 (length,), special tokens included. Returns logits, float32 (n_labels,)."""
        ...


class BatchBackend(Backend, Protocol):
    """Also runs windows of several lengths together, padded."""

    def run_batch(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        """windows: n times int64 (length,), special tokens included. Returns logits, float32 (n, n_labels),
        in the order of the windows."""
        ...


BackendName = Literal["auto", "onnx", "torch", "cuda"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
"""What ``Classifier.load`` takes as its backend."""
Device = Literal["cpu", "cuda"]
DType = Literal["float32", "bfloat16", "float16"]


def torch_backend(
    directory: str | Path,
    *,
    threads: int | None = None,
    device: Device = "cpu",
    dtype: DType = "float32",
) -> BatchBackend:
    """The trained network in torch.

    threads: cores that one run may use, for the whole process; None leaves torch's own number. Raises
    BackendUnavailable without torch or the device, ModelNotFound or ModelDamaged for the directory.
    """
    # By name, so that what serves on ONNX depends on torch in no way that an import checker would follow.
    try:
        module = importlib.import_module("toxicity_ml.inference.backends.torch")
    except (ImportError, OSError) as error:  # OSError: a library that torch links to is missing
        raise BackendUnavailable(
            "The torch backend needs torch and transformers: "
            "pip install 'django-toxicity-moderation[train]', or use the backend onnx."
        ) from error
    backend: BatchBackend = module.TorchBackend(directory, device, dtype, threads=threads)
    return backend
