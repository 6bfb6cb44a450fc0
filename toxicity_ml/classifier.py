"""Loads a model version and scores texts with it. Imports neither torch nor transformers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

import numpy as np

from toxicity_ml.activations import sigmoid, softmax
from toxicity_ml.extras import naming_the_extra
from toxicity_ml.inputs import as_texts
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.manifest import Manifest
from toxicity_ml.window_pooling import pool_windows

if TYPE_CHECKING:
    from toxicity_ml.inference.backends import BackendName, Device
    from toxicity_ml.inference.runners import Runner
    from toxicity_ml.inference.windows import WindowEncoder

PRETRAINED = Path(__file__).parent / "pretrained"
"""The model version that comes with the package."""
NO_TEXT_LOGIT = -30.0
"""The logit of every label for a text without any token. Its probability is 0 whatever the calibration."""
_CHUNK = 512
"""Texts tokenised before they are run: enough to keep every thread busy, little enough to hold."""


class NamedScores(ABC):
    """Scores by the names of their labels: the surface that a Classifier and an Ensemble share."""

    labels: tuple[str, ...]
    thresholds: dict[str, float]
    task: str

    @overload
    def predict(self, texts: str, *, progress: bool = False) -> dict[str, float]: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, texts: Iterable[str], *, progress: bool = False) -> list[dict[str, float]]: ...

    def predict(
        self, texts: str | Iterable[str], *, progress: bool = False
    ) -> dict[str, float] | list[dict[str, float]]:
        """Scores {label: probability, rounded to six places} of one text, or of each text in input order.

        texts: a str, or any iterable of them. progress: show a bar on stderr. Raises TypeError, naming the
        index, for an element that is not a str.
        """
        if isinstance(texts, str):
            return self._named(self.predict_array([texts])[0])
        return [self._named(row) for row in self.predict_array(as_texts(texts, "predict"), progress=progress)]

    @abstractmethod
    def predict_array(self, texts: Iterable[str], *, progress: bool = False) -> np.ndarray:
        """Calibrated probabilities, float32 (n_texts, n_labels). A text without any token has 0 for each
        label, or the same for each class. Raises TypeError as ``predict``, and for a single str."""

    def labels_over_threshold(self, scores: Mapping[str, float]) -> list[str]:
        """The labels whose score is at or over their threshold, in the order of ``labels``; of one of
        several classes the likeliest, none where all are as likely."""
        if self.task == SINGLE_LABEL:
            likeliest = max(self.labels, key=lambda label: scores[label])
            return [] if scores[likeliest] == min(scores.values()) else [likeliest]
        return [label for label in self.labels if scores[label] >= self.thresholds[label]]

    def _named(self, row: np.ndarray) -> dict[str, float]:
        return {label: round(float(value), 6) for label, value in zip(self.labels, row, strict=True)}


class Classifier(NamedScores):
    """Scores texts with one model version.

    A long text is read in windows, of which the highest score of each label counts most
    (``window_pooling.pool_windows``); beyond ``repair.MAX_CHARACTERS``
    or ``windows.MAX_WINDOWS`` only its two ends are read. A score depends on the text alone: not on its
    neighbours, their order or the number of threads. Safe to use from many threads at once.

    A version of a single-label task gives the probabilities of its classes, which add up to 1: those of the
    mean of its windows.
    """

    def __init__(self, manifest: Manifest, encoder: "WindowEncoder", runner: "Runner") -> None:
        self.manifest = manifest
        self.labels: tuple[str, ...] = manifest.labels
        self.task = manifest.task
        self.thresholds: dict[str, float] = {
            label: float(manifest.thresholds[label]) for label in self.labels
        }
        self.languages: tuple[str, ...] = manifest.languages
        """BCP 47 tags of the languages whose texts it can score."""
        self.version = f"{manifest.name}@{manifest.version}"
        self.runner = runner
        self.canned_difference: float | None = None
        """The largest difference to a golden example's score in the manifest; None: not compared."""
        self._encoder = encoder
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
        backend: "BackendName" = "onnx",
        device: "Device" = "cuda",
    ) -> "Classifier":
        """Load a model version directory; None is the one that comes with the package.

        threads: texts scored at once, by however many callers; None is one for each core that this process
        may use. verify: compare every file with its sha256.

        backend: ``onnx`` is the int8 network. ``torch`` is the trained one in float32, one text at a time on
        all ``threads``, which the last digits of a score then depend on. ``cuda`` is the trained one in
        float16 on a GPU, in batches of like lengths, which they depend on as well; should the device run out
        of memory or fail, the batches get smaller and in the end the scores come from onnx, with an error in
        the log. ``auto`` is cuda where that works and onnx elsewhere. device: of the backend cuda; ``cpu``
        runs the very same in float32, to see that it works without a GPU.

        The manifest's golden examples are scored first, whichever backend it is: where int8 is off by more
        than ``loading.CANNED_TOLERANCE`` this processor's arithmetic is wrong, a warning says so, and the
        same weights are served in float. Raises ModelNotFound or ModelDamaged, naming the file, and
        BackendUnavailable for torch or cuda where it does not run; MissingExtra, an ImportError, where the
        libraries that serve are not installed.
        """
        directory = PRETRAINED if path is None else Path(path)
        with naming_the_extra():
            from toxicity_ml.inference import loading

            return loading.load(
                cls, directory, threads=threads, verify=verify, backend=backend, device=device
            )

    @property
    def threads(self) -> int:
        """Texts scored at once."""
        return self.runner.threads

    def __repr__(self) -> str:
        return f"<Classifier {self.version} ({', '.join(self.labels)}) on {self.runner.name}>"

    def predict_array(self, texts: Iterable[str], *, progress: bool = False) -> np.ndarray:
        """Calibrated probabilities, float32 (n_texts, n_labels). A text without any token has 0 for each
        label, or the same for each class. Raises TypeError as ``predict``, and for a single str."""
        logits = self.logits(as_texts(texts, "predict_array"), progress=progress)
        calibrated = self._slopes * logits.astype(np.float64) + self._intercepts
        if self.task == SINGLE_LABEL:
            return softmax(calibrated).astype(np.float32)
        probabilities = sigmoid(calibrated).astype(np.float32)
        probabilities[(logits == NO_TEXT_LOGIT).all(axis=1)] = 0.0
        return probabilities

    def logits(self, texts: Iterable[str], *, progress: bool = False) -> np.ndarray:
        """Uncalibrated logits, float32 (n_texts, n_labels), those of a text's windows taken together. Raises
        TypeError as ``predict_array``."""
        texts = as_texts(texts, "logits")
        result = np.full((len(texts), len(self.labels)), NO_TEXT_LOGIT, dtype=np.float32)
        for start in _chunk_starts(len(texts), progress):
            self._score(texts[start : start + _CHUNK], result[start : start + _CHUNK])
        return result

    def _score(self, texts: Sequence[str], logits: np.ndarray) -> None:
        """Fill logits, (n_texts, n_labels), with the pooled logits of each text's windows."""
        read = [self._encoder.readings(text) for text in texts]
        windows = [
            (row, reading, ids)
            for row, readings in enumerate(read)
            for reading, (of_reading, _) in enumerate(readings)
            for ids in of_reading
        ]
        # the longest first, so that no thread ends with a long one
        windows.sort(key=lambda window: -len(window[-1]))
        results = self.runner.run_all([ids for _, _, ids in windows])
        logits_of: dict[int, dict[int, list[np.ndarray]]] = {}
        for (row, reading, _), of_window in zip(windows, results, strict=True):
            logits_of.setdefault(row, {}).setdefault(reading, []).append(of_window)
        for row, by_reading in logits_of.items():
            each = [(np.stack(of_each), read[row][reading][1]) for reading, of_each in by_reading.items()]
            logits[row] = pool_windows(each, self.task, self.manifest.window_temperature)


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
