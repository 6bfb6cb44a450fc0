"""How the model runs in this process: on which backend, on how many cores, and in how large batches.

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
from moderation.versions import store

if TYPE_CHECKING:
    from toxicity_ml.classifier import Classifier

logger = logging.getLogger("moderation.screening")


@dataclass(frozen=True)
class Pace:
    """How much a worker takes on at a time."""

    texts: int
    """Claimed together."""
    characters: int
    """Scored and stored together: a long batch is stored in slices of about this size."""


ON_CPU = Pace(texts=32, characters=20_000)
"""A quarter of a second on two cores: a stop, a switch of the model and a verdict wait no longer."""
ON_GPU = Pace(texts=512, characters=1_000_000)
"""Large enough for a GPU to be busy; the database is then what takes the time."""


class Served:
    """A model version that scores in this process."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    def predict(self, texts: Sequence[str]) -> list[Mapping[str, float]]:
        """n texts -> n dicts {label: probability}, in the order of the texts."""
        return list(self._classifier.predict(texts))

    @property
    def pace(self) -> Pace:
        """What suits the backend of this moment, which may have fallen back to the CPU."""
        return pace(is_batched=self._classifier.runner.is_batched)

    def health(self, seconds: float) -> str:
        """What an operator wants to know of a model that was loaded in `seconds`."""
        difference = self._classifier.canned_difference or 0.0
        return (
            f"{self._classifier.runner.name}, {self._classifier.threads} thread(s), batches of "
            f"{self.pace.texts}, files verified and loaded in {seconds:.1f} s, "
            f"{len(self._classifier.manifest.canned)} canned text(s) right within {difference:.4f}, "
            f"{resident_megabytes():.0f} MB of memory"
        )


def serve(version: ModelVersion, *, backend: str, cores: int | None = None) -> Served:
    """Verify the files of `version`, load it, check it on its canned texts, and say so in the log.

    backend: "auto", "onnx" or "cuda", which is onnx where there is no GPU that works. cores: texts scored at
    once; None: as many as `threads` says. Raises ModelUnavailable or the library's ToxicityError, naming the
    file.
    """
    start = time.monotonic()
    directory = store.local_directory(version)
    served = Served(_classifier(directory, backend, cores))
    logger.info("Scoring with model version %s: %s.", version, served.health(time.monotonic() - start))
    return served


def pace(*, is_batched: bool) -> Pace:
    """That of a backend, with the claim that MODERATION["BATCH_SIZE"] sets."""
    usual = ON_GPU if is_batched else ON_CPU
    return Pace(conf.BATCH_SIZE or usual.texts, usual.characters)


def divide_cores(processes: int) -> None:
    """Say how many processes of this worker will score side by side; called before they are forked."""
    global _processes
    _processes = max(1, processes)


def threads() -> int:
    """Texts that this process scores at once: MODERATION["THREADS"], or its share of the cores."""
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
