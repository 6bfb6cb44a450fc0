"""Loads a model version: on which backend, on how many cores, and for how large batches.

Nothing of `toxicity_ml` is imported before a model is loaded: a web process never loads onnxruntime.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from moderation.conf import conf
from moderation.models import ModelVersion
from moderation.screening import languages
from moderation.versions import store
from moderation.versions.store import ModelUnavailable

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.explanation import Word

logger = logging.getLogger("moderation.screening")


@dataclass(frozen=True)
class BatchLimits:
    """How much a worker takes on at a time."""

    texts: int
    """Texts that are claimed together, at most."""
    characters: int
    """Characters that are scored and stored together, about: a longer batch is stored in slices."""


ON_CPU = BatchLimits(texts=32, characters=20_000)
"""A quarter of a second on two cores: a stop, a switch of the model and a verdict wait no longer."""
ON_GPU = BatchLimits(texts=512, characters=1_000_000)
"""Large enough for a GPU to be busy; the database is then what takes the time."""


class LoadedModel:
    """A model version that is loaded in this process and scores texts."""

    def __init__(self, classifier: Classifier, directory: Path | None = None) -> None:
        """directory: with the version's files, which `explain` reads again; None: the packaged version's."""
        self._classifier = classifier
        self._directory = directory

    def predict(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        """n texts -> n dicts {label: probability}, in the order of the texts."""
        return list(self._classifier.predict(texts))

    def explain(self, text: str, label: str) -> tuple[Word, ...]:
        """Each word's part in a label's score, by leaving one out at a time: n_words + 3 texts to score."""
        from toxicity_ml.explanation import attribute

        explained = attribute(self._directory, text, label, "leave_one_out", classifier=self._classifier)
        return explained.words

    def driving_words(self, text: str, label: str) -> tuple[Word, ...]:
        """The words of the passages that speak most for a label; a second or so for the longest text."""
        from toxicity_ml.explanation import driving_words

        return driving_words(self._classifier, text, label)

    @property
    def batch_limits(self) -> BatchLimits:
        """The limits that suit the backend of this moment, which may have fallen back to the CPU."""
        return batch_limits(is_batched=self._classifier.runner.is_batched)

    def health(self, seconds: float) -> str:
        """One line about the loaded model for the log: backend, threads, time to load, memory."""
        difference = self._classifier.canned_difference or 0.0
        return (
            f"{self._classifier.runner.name}, {self._classifier.threads} thread(s), batches of "
            f"{self.batch_limits.texts}, files verified and loaded in {seconds:.1f} s, "
            f"{len(self._classifier.manifest.canned)} canned text(s) right within {difference:.4f}, "
            f"{resident_megabytes():.0f} MB of memory"
        )


def load_model(version: ModelVersion, *, backend: str, cores: int | None = None) -> LoadedModel:
    """Verify the files of `version`, load it, check it on its canned texts, and say so in the log.

    backend: "auto", "onnx" or "cuda", which is onnx where there is no GPU that works. cores: texts scored at
    once; None: as many as `threads` says. Raises ModelUnavailable or the library's ToxicityError, naming the
    file.
    """
    start = time.monotonic()
    directory = store.local_directory(version)
    loaded = LoadedModel(_classifier(directory, backend, cores), directory)
    languages.prepare()
    logger.info("Scoring with model version %s: %s.", version, loaded.health(time.monotonic() - start))
    return loaded


def try_out(directory: Path) -> int:
    """Load a version that is not registered yet and score its golden texts; how many it has.

    Raises ModelUnavailable, naming the file, where one is missing or damaged, or where the scores are not
    those of the manifest.
    """
    from toxicity_ml.errors import ToxicityError

    try:
        from toxicity_ml.classifier import Classifier

        return len(Classifier.load(directory, backend="onnx").manifest.canned)
    except ToxicityError as error:
        raise ModelUnavailable(str(error)) from error


def batch_limits(*, is_batched: bool) -> BatchLimits:
    """The limits that suit a backend; MODERATION["BATCH_SIZE"] overrides the number of texts."""
    usual = ON_GPU if is_batched else ON_CPU
    return BatchLimits(conf.BATCH_SIZE or usual.texts, usual.characters)


def divide_cores(processes: int) -> None:
    """Set how many processes of this worker score side by side; call it before they are forked."""
    global _processes
    _processes = max(1, processes)


def threads() -> int:
    """How many texts this process scores at once: MODERATION["THREADS"], or its share of the cores."""
    from toxicity_ml.inference.cores import available_cores

    return conf.THREADS or max(1, available_cores() // _processes)


def resident_megabytes() -> float:
    """Memory of this process; where the system does not tell, the most that it ever had."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError):
        import resource  # not on Windows, where no worker runs

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


_processes = 1


def _classifier(directory: Path, backend: str, cores: int | None = None) -> Classifier:
    from toxicity_ml.classifier import Classifier
    from toxicity_ml.errors import ToxicityError

    cores = cores or threads()
    # the store has just verified every file
    if backend == "cuda":
        try:
            return Classifier.load(directory, threads=cores, verify=False, backend="cuda")
        except ToxicityError as error:
            logger.error('MODERATION["BACKEND"] is "cuda", but: %s Scoring on the CPU.', error)
    if backend == "auto":
        return Classifier.load(directory, threads=cores, verify=False, backend="auto")
    return Classifier.load(directory, threads=cores, verify=False, backend="onnx")
