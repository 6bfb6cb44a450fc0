"""The trained network (model.safetensors) in torch: on the CPU or a CUDA device, in any float type, compiled
or not. For machines with a GPU, and for measuring; a CPU is better served by ONNX."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from toxicity_ml.errors import BackendUnavailable
from toxicity_ml.inference.backends import Device, DType
from toxicity_ml.network import load_model

DTYPES: dict[DType, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
TOKENS: dict[Device, int] = {"cpu": 8192, "cuda": 32_768}
"""Tokens of one batch, padding included: enough to keep the device busy, and a fraction of its memory."""

logger = logging.getLogger(__name__)


class TorchBackend:
    """One network; safe to call from many threads at once.

    Weights and activations are both of the float type asked for, so that of bfloat16 and float16 only two to
    three digits of a logit are left. A device that runs out of memory gets smaller batches from then on.
    """

    def __init__(
        self,
        directory: str | Path,
        device: Device = "cpu",
        dtype: DType = "float32",
        compile: bool = False,
        *,
        threads: int | None = None,
    ) -> None:
        """Load model.safetensors of a model version or a checkpoint.

        compile: through torch.compile with dynamic shapes; takes up to a minute here and once more when the
        first batch comes. threads: cores of one run on the CPU; torch keeps one number for the whole process,
        None leaves it. Raises ModelNotFound or ModelDamaged, naming the file; BackendUnavailable without the
        device, or a compiler.
        """
        if device == "cuda" and not torch.cuda.is_available():
            raise BackendUnavailable("There is no CUDA device here. Use the device cpu, or the backend onnx.")
        if threads is not None:
            torch.set_num_threads(threads)
        self.tokens = TOKENS[device]
        """Tokens of one batch."""
        self._device = torch.device(device)
        network = load_model(directory)
        try:
            network = network.to(device=self._device, dtype=DTYPES[dtype]).requires_grad_(False)
        except RuntimeError as error:
            raise BackendUnavailable(
                f"The network does not get onto the device {device} ({type(error).__name__})."
            ) from error
        self._labels = network.n_labels
        self._network: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = network
        if compile:
            self._network = _compiled(network, device)
            try:
                self.run(np.zeros(8, dtype=np.int64))
            except RuntimeError as error:  # the base of all that torch.compile raises
                raise BackendUnavailable(
                    f"torch.compile does not work here ({type(error).__name__}): on a CPU it needs a C++ "
                    "compiler, for CUDA it needs Triton. Leave compile out."
                ) from error

    def run(self, ids: np.ndarray) -> np.ndarray:
        """ids: int64 (length,), special tokens included. Returns logits, float32 (n_labels,)."""
        row = torch.from_numpy(ids).unsqueeze(0)
        logits: np.ndarray = self._logits(row, torch.ones_like(row))[0]
        return logits

    def run_batch(self, windows: Sequence[np.ndarray], *, tokens: int | None = None) -> np.ndarray:
        """Logits, float32 (n, n_labels), of n windows, int64 (length,) each, in their order.

        Windows of like length go together, in batches of up to ``tokens`` tokens with the padding, which the
        attention mask hides; None takes as many as the device had room for so far. A logit may then differ in
        its last digits from that of ``run``. Raises BackendUnavailable where the device fails, or has no room
        for a single window.
        """
        if not windows:
            return np.zeros((0, self._labels), dtype=np.float32)
        order = sorted(range(len(windows)), key=lambda index: len(windows[index]))
        try:
            with torch.inference_mode():
                parts = [
                    part
                    for batch in _batches(order, windows, tokens or self.tokens)
                    for part in self._in_halves([windows[index] for index in batch])
                ]
                result: np.ndarray = torch.cat(parts).float().cpu().numpy()
        except RuntimeError as error:  # the base of all that torch raises about a device
            raise BackendUnavailable(f"The device {self._device} failed ({type(error).__name__}).") from error
        result[order] = result.copy()
        return result

    def _in_halves(self, batch: Sequence[np.ndarray]) -> Iterator[torch.Tensor]:
        """Logits of a batch, sorted by length: of all of it, or of its halves where there is no room."""
        try:
            logits = self._padded(batch)
        except torch.OutOfMemoryError:
            logits = None  # what the failed run held is let go of only when this block is left
        if logits is not None:
            yield logits
            return
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if len(batch) == 1:
            raise BackendUnavailable(f"The device {self._device} has no memory left for a single text.")
        half = len(batch) // 2
        self.tokens = min(self.tokens, half * len(batch[-1]))
        logger.warning(
            "The device %s ran out of memory: batches of %d tokens from now on.", self._device, self.tokens
        )
        yield from self._in_halves(batch[:half])
        yield from self._in_halves(batch[half:])

    def _padded(self, batch: Sequence[np.ndarray]) -> torch.Tensor:
        ids = torch.zeros((len(batch), len(batch[-1])), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, window in enumerate(batch):
            ids[row, : len(window)] = torch.from_numpy(window)
            mask[row, : len(window)] = 1
        return self._network(ids.to(self._device), mask.to(self._device))

    def _logits(self, ids: torch.Tensor, mask: torch.Tensor) -> np.ndarray:
        with torch.inference_mode():
            logits = self._network(ids.to(self._device), mask.to(self._device))
            array: np.ndarray = logits.float().cpu().numpy()
        return array


def _compiled(
    network: torch.nn.Module, device: Device
) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    if device == "cuda":
        return torch.compile(network, dynamic=True)
    # without the option a compiled network keeps the number of threads that it was compiled with
    return torch.compile(network, dynamic=True, options={"cpp.dynamic_threads": True})


def _batches(order: Sequence[int], windows: Sequence[np.ndarray], tokens: int) -> Iterator[list[int]]:
    """Split indices, sorted by length, where another window would take a batch over its tokens."""
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * len(windows[index]) > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
