"""The serving side: load a model version, score texts. Imports neither torch nor transformers."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from toxicity_ml.errors import ModelDamaged
from toxicity_ml.manifest import SINGLE_LABEL, Manifest

if TYPE_CHECKING:
    from toxicity_ml.backends import Backend
    from toxicity_ml.windows import WindowEncoder

PRETRAINED = Path(__file__).parent / "pretrained"
"""The model version that comes with the package."""
CANNED_TOLERANCE = 0.03
"""How far a canned text's score may be from the manifest's before int8 arithmetic is not trusted here."""
TRAINED_TOLERANCE = 0.1
"""The same for the trained weights in float: the manifest's scores are the int8 network's, and those may be
off by this much on a text of which the model is unsure."""
NO_TEXT_LOGIT = -30.0
"""The logit of every label for a text without any token. Its probability is 0 whatever the calibration."""
_CHUNK = 512
"""Texts tokenised before they are run: enough to keep every thread busy, little enough to hold."""

logger = logging.getLogger(__name__)


class Classifier:
    """Scores texts with one model version.

    A long text is read in windows and the highest score of each label counts; beyond ``text.MAX_CHARACTERS``
    or ``windows.MAX_WINDOWS`` only its two ends are read. A score depends on the text alone: not on its
    neighbours, their order or the number of threads. Safe to use from many threads at once.

    A version of a single-label task gives the probabilities of its classes, which add up to 1: those of the
    mean of its windows.
    """

    def __init__(
        self, manifest: Manifest, encoder: "WindowEncoder", backend: "Backend", threads: int
    ) -> None:
        self.manifest = manifest
        self.labels: tuple[str, ...] = manifest.labels
        self.task = manifest.task
        self.thresholds: dict[str, float] = {
            label: float(manifest.thresholds[label]) for label in self.labels
        }
        self.version = f"{manifest.name}@{manifest.version}"
        self.threads = threads
        self._encoder = encoder
        self._backend = backend
        calibration = [manifest.calibration[label] for label in self.labels]
        self._slopes = np.array([entry["slope"] for entry in calibration], dtype=np.float64)
        self._intercepts = np.array([entry["intercept"] for entry in calibration], dtype=np.float64)

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        threads: int | None = None,
        verify: bool = True,
        backend: Literal["auto", "onnx", "torch"] = "onnx",
    ) -> "Classifier":
        """Load a model version directory; None is the one that comes with the package.

        threads: texts scored at once; None is one for each core that this process may use. verify: compare
        every file with its sha256. The manifest's canned texts are scored first: where a score is off by more
        than CANNED_TOLERANCE this processor's int8 arithmetic is wrong, a warning says so, and the same
        weights are served in float. backend: onnx is the int8 network; torch is the trained one in float32,
        one text at a time on all ``threads``, which the last digits of a score then depend on; auto is onnx
        so far. Raises ModelNotFound or ModelDamaged, naming the file, and BackendUnavailable for torch where
        it is not installed.
        """
        from toxicity_ml.backends import torch_backend
        from toxicity_ml.backends.onnx import OnnxBackend
        from toxicity_ml.windows import WindowEncoder

        directory = PRETRAINED if path is None else Path(path)
        manifest = Manifest.load(directory)
        if verify:
            manifest.verify(directory)
        encoder = WindowEncoder(
            directory, manifest.max_length, manifest.stride, both_forms=manifest.task != SINGLE_LABEL
        )
        count = threads if threads is not None else _available_cores()
        if count < 1:
            raise ValueError("threads must be at least 1")
        if backend not in ("auto", "onnx", "torch"):
            raise ValueError(f"backend is auto, onnx or torch, not {backend}")
        if backend == "torch":
            trained = cls(manifest, encoder, torch_backend(directory, threads=count), threads=1)
            if (difference := trained._canned_difference(directory)) > TRAINED_TOLERANCE:
                raise ModelDamaged(
                    f"{directory / 'model.safetensors'} does not give the scores that its manifest names "
                    f"(off by {difference:.3f}). Fetch or publish this model version again."
                )
            return trained
        classifier = cls(manifest, encoder, OnnxBackend(directory), count)
        difference = classifier._canned_difference(directory)
        if difference <= CANNED_TOLERANCE:
            return classifier
        message = (
            f"{classifier.version}: int8 arithmetic is off by {difference:.3f} on this processor; "
            "serving the same weights in float, more slowly."
        )
        logger.warning(message)
        warnings.warn(message, RuntimeWarning, stacklevel=2)
        classifier = cls(manifest, encoder, OnnxBackend(directory, dequantised=True), count)
        difference = classifier._canned_difference(directory)
        if difference > CANNED_TOLERANCE:
            raise ModelDamaged(
                f"{directory / 'model.onnx'} does not give the scores that its manifest names, "
                f"in float neither (off by {difference:.3f}). Fetch or publish this model version again."
            )
        return classifier

    @overload
    def predict(self, texts: str, *, progress: bool = False) -> dict[str, float]: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, texts: Sequence[str], *, progress: bool = False) -> list[dict[str, float]]: ...

    def predict(
        self, texts: str | Sequence[str], *, progress: bool = False
    ) -> dict[str, float] | list[dict[str, float]]:
        """Scores {label: probability, rounded to six places} of one text, or of each text in input order.

        progress: show a bar on stderr.
        """
        if isinstance(texts, str):
            return self._named(self.predict_array([texts])[0])
        return [self._named(row) for row in self.predict_array(texts, progress=progress)]

    def predict_array(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Calibrated probabilities, float32 (n_texts, n_labels). A text without any token has 0 for each
        label, or the same for each class."""
        logits = self.logits(texts, progress=progress)
        calibrated = self._slopes * logits.astype(np.float64) + self._intercepts
        if self.task == SINGLE_LABEL:
            odds = np.exp(calibrated - calibrated.max(axis=1, keepdims=True))
            shares: np.ndarray = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
            return shares
        probabilities = (0.5 * (1.0 + np.tanh(0.5 * calibrated))).astype(np.float32)  # sigmoid, no overflow
        probabilities[(logits == NO_TEXT_LOGIT).all(axis=1)] = 0.0
        return probabilities

    def logits(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        """Uncalibrated logits, float32 (n_texts, n_labels), the highest of a text's windows for each
        label, or their mean for each class."""
        if isinstance(texts, str):
            raise TypeError("logits and predict_array take a sequence of texts, not one text")
        result = np.full((len(texts), len(self.labels)), NO_TEXT_LOGIT, dtype=np.float32)
        for start in _chunk_starts(len(texts), progress):
            self._score(texts[start : start + _CHUNK], result[start : start + _CHUNK])
        return result

    def labels_over_threshold(self, scores: Mapping[str, float]) -> list[str]:
        """The labels whose score is at or over their threshold, in the model's order; of one of several
        classes the likeliest, none where all are as likely."""
        return labels_that_count(scores, self.labels, self.thresholds, self.task)

    def _named(self, row: np.ndarray) -> dict[str, float]:
        return {label: round(float(value), 6) for label, value in zip(self.labels, row, strict=True)}

    def _score(self, texts: Sequence[str], logits: np.ndarray) -> None:
        """Fill logits, (n_texts, n_labels), with the highest or the mean of each text's windows."""
        windows = [(row, ids) for row, text in enumerate(texts) for ids in self._encoder.windows(text)]
        windows.sort(
            key=lambda window: -len(window[1])
        )  # the longest first, so that no thread ends with a long one
        results = self._run_all([ids for _, ids in windows])
        if self.task == SINGLE_LABEL:
            _average(logits, [row for row, _ in windows], results)
            return
        for (row, _), found in zip(windows, results, strict=True):
            np.maximum(logits[row], found, out=logits[row])

    def _run_all(self, windows: list[np.ndarray]) -> Iterator[np.ndarray]:
        if len(windows) < 2 or self.threads == 1:
            yield from map(self._backend.run, windows)
            return
        # a pool for each call costs less than a run, and leaves no threads behind for a fork to lose
        with ThreadPoolExecutor(min(self.threads, len(windows)), "toxicity") as pool:
            yield from pool.map(self._backend.run, windows)

    def _canned_difference(self, directory: Path) -> float:
        """The largest difference between a canned text's score here and in the manifest."""
        largest = 0.0
        for entry in self.manifest.canned:
            scores = self.predict(str(entry["text"]))
            for label in self.labels:
                difference = abs(scores[label] - float(entry["scores"][label]))
                largest = max(largest, difference if np.isfinite(difference) else np.inf)
        return largest


def labels_that_count(
    scores: Mapping[str, float], labels: Sequence[str], thresholds: Mapping[str, float], task: str
) -> list[str]:
    """The labels whose score is at or over their threshold, in the order of ``labels``; of one of several
    classes the likeliest, none where all are as likely."""
    if task == SINGLE_LABEL:
        likeliest = max(labels, key=lambda label: scores[label])
        return [] if scores[likeliest] == min(scores.values()) else [likeliest]
    return [label for label in labels if scores[label] >= thresholds[label]]


def _average(logits: np.ndarray, rows: list[int], results: Iterator[np.ndarray]) -> None:
    total = np.zeros(logits.shape, dtype=np.float64)
    for row, found in zip(rows, results, strict=True):
        total[row] += found
    count = np.bincount(rows, minlength=len(logits))
    read = count > 0
    logits[read] = total[read] / count[read, None]


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _chunk_starts(count: int, progress: bool) -> Iterator[int]:
    starts = range(0, count, _CHUNK)
    if not progress:
        yield from starts
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("Scoring", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Scoring", total=count)
        for start in starts:
            yield start
            bar.update(task, completed=min(count, start + _CHUNK))
