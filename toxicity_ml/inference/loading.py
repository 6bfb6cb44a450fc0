"""Loads a model version directory on a backend, and checks its scores on this machine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toxicity_ml.errors import ModelDamaged, ToxicityError
from toxicity_ml.inference.backends import BACKENDS, torch_backend
from toxicity_ml.inference.backends.cuda import is_cuda_there
from toxicity_ml.inference.backends.onnx import OnnxBackend
from toxicity_ml.inference.cores import available_cores
from toxicity_ml.inference.runners import BatchedRunner, Runner, ThreadedRunner
from toxicity_ml.inference.windows import WindowEncoder
from toxicity_ml.manifest import INT8, Manifest

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.inference.backends import BackendName, Device, DType

CANNED_TOLERANCE = 0.03
"""How far a golden example's score may be from the manifest's before int8 arithmetic is not trusted here."""
TRAINED_TOLERANCE = 0.1
"""The same for the trained weights in float: the manifest's scores are the int8 network's, and those may be
off by this much on a text of which the model is unsure."""

logger = logging.getLogger(__name__)

Make = Callable[[Manifest, WindowEncoder, Runner], "Classifier"]


def load(
    make: Make,
    directory: Path,
    *,
    threads: int | None,
    verify: bool,
    backend: BackendName,
    device: Device,
) -> Classifier:
    """Load a version as `Classifier.load` says. device: of the backend cuda."""
    if backend not in BACKENDS:
        raise ValueError(f"backend is auto, onnx, torch or cuda, not {backend}")
    count = threads if threads is not None else available_cores()
    if count < 1:
        raise ValueError("threads must be at least 1")
    manifest = Manifest.load(directory)
    if verify:
        manifest.verify(directory)
    encoder = WindowEncoder.of(directory, manifest)

    def on_onnx() -> Classifier:
        runner, difference = _onnx(make, directory, manifest, encoder, count)
        classifier = make(manifest, encoder, runner)
        classifier.canned_difference = difference
        return classifier

    def on_device() -> Classifier:
        dtype: DType = "float16" if device == "cuda" else "float32"
        network = torch_backend(directory, device=device, dtype=dtype)
        name = f"torch {dtype} in batches ({device})"
        runner = BatchedRunner(network, name, lambda: _onnx(make, directory, manifest, encoder, count)[0])
        return _trained(make, directory, manifest, encoder, runner)

    if backend == "torch":
        network = torch_backend(directory, threads=count)
        return _trained(make, directory, manifest, encoder, ThreadedRunner(network, 1, "torch float32 (cpu)"))
    if backend == "cuda":
        return on_device()
    if backend == "auto" and is_cuda_there():
        try:
            return on_device()
        except ToxicityError as error:
            logger.warning("There is a CUDA device, but it does not serve: %s Serving on the CPU.", error)
    return on_onnx()


def _trained(
    make: Make, directory: Path, manifest: Manifest, encoder: WindowEncoder, runner: Runner
) -> Classifier:
    classifier = make(manifest, encoder, runner)
    classifier.canned_difference = canned_difference(classifier)
    if classifier.canned_difference > TRAINED_TOLERANCE:
        raise ModelDamaged(
            f"{directory / 'model.safetensors'} does not give the scores that its manifest names "
            f"(off by {classifier.canned_difference:.3f}). Fetch or publish this model version again."
        )
    return classifier


def _onnx(
    make: Make, directory: Path, manifest: Manifest, encoder: WindowEncoder, threads: int
) -> tuple[ThreadedRunner, float]:
    """Load int8, or the same weights in float where this processor's int8 arithmetic is wrong. Returns the
    runner, and how far the golden examples are off."""
    runner = ThreadedRunner(OnnxBackend(directory), threads, f"onnx {manifest.precision} (cpu)")
    difference = canned_difference(make(manifest, encoder, runner))
    if difference <= CANNED_TOLERANCE:
        return runner, difference
    if manifest.precision != INT8:
        raise ModelDamaged(
            f"{directory / 'model.onnx'} does not give the scores that its manifest names "
            f"(off by {difference:.3f}). Fetch or publish this model version again."
        )
    message = (
        f"{manifest.name}@{manifest.version}: int8 arithmetic is off by {difference:.3f} on this processor; "
        "serving the same weights in float, more slowly."
    )
    logger.warning(message)
    warnings.warn(message, RuntimeWarning, stacklevel=5)
    runner = ThreadedRunner(OnnxBackend(directory, dequantised=True), threads, "onnx float32 (cpu)")
    difference = canned_difference(make(manifest, encoder, runner))
    if difference > CANNED_TOLERANCE:
        raise ModelDamaged(
            f"{directory / 'model.onnx'} does not give the scores that its manifest names, "
            f"in float neither (off by {difference:.3f}). Fetch or publish this model version again."
        )
    return runner, difference


def canned_difference(classifier: Classifier) -> float:
    """The largest difference between a golden example's score here and in the manifest; 0 without any."""
    largest = 0.0
    for entry in classifier.manifest.canned:
        scores = classifier.predict(str(entry["text"]))
        for label in classifier.labels:
            difference = abs(scores[label] - float(entry["scores"][label]))
            largest = max(largest, difference if np.isfinite(difference) else np.inf)
    return largest
