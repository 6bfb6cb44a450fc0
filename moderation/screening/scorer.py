"""Asking the classifier: one version per process, loaded when first needed; a bad text or a bad model?

Nothing here touches a row. How the model runs is the business of `serving`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import DatabaseError

from moderation import metrics, row_errors
from moderation.conf import conf
from moderation.models import ModelVersion
from moderation.screening import model
from moderation.screening.model import Pace, Served

Scores = Mapping[str, float]
Scorer = Callable[[Sequence[str]], Sequence[Scores]]
"""n texts -> n dicts {label: probability}, in the order of the texts."""
LoadScorer = Callable[[ModelVersion], Scorer]

CANARY = "Thank you, that was helpful."
"""Scored when a text fails: where this fails as well, the model is to blame and not the text."""
INSTALL_LIBRARIES = "pip install '.[worker]'"
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 30.0


class ModelNotReady(Exception):
    """The version can't be loaded, or can't score anything: texts stay pending, nothing is counted."""


class LibrariesMissing(ModelNotReady):
    """No version can be loaded on this machine: it has no libraries of a worker."""


@dataclass(frozen=True)
class Failure:
    """Scoring this text, alone, failed."""

    code: str


def load_scorer(version: ModelVersion) -> Scorer:
    """The scorer of `version`, loaded at most once per process. Raises ModelNotReady."""
    return _loaded.get(version).predict


def load_scorer_for_web(version: ModelVersion) -> Scorer:
    """The same on one core of the CPU, whatever MODERATION says: a web process never imports torch, and its
    other cores serve pages."""
    return _loaded_for_web.get(version).predict


def pace() -> Pace:
    """How much to take on at a time, as suits the backend that is loaded."""
    return _loaded.pace


def score_each(score: Scorer, texts: Sequence[str]) -> list[Scores | Failure]:
    """Score n texts -> n results in their order; an error is pinned on the text that causes it alone.

    Raises ModelNotReady where the fault is not a text's.
    """
    try:
        return [_checked(scores) for scores in score(texts)]
    except Exception as error:
        _pass_on(error)
        if _is_not_the_texts_fault(error):
            raise ModelNotReady(type(error).__name__) from error
    results: list[Scores | Failure] = []
    for text in texts:
        try:
            results.append(_checked(score([text])[0]))
        except Exception as error:
            _pass_on(error)
            if _is_not_the_texts_fault(error):
                raise ModelNotReady(type(error).__name__) from error
            results.append(Failure(f"scoring-error:{type(error).__name__}"[:64]))
    if any(isinstance(result, Failure) for result in results):
        check_on_canary(score)
    return results


def check_on_canary(score: Scorer) -> None:
    """Score a text that is known to be harmless. Raises ModelNotReady where even that fails."""
    try:
        _checked(score([CANARY])[0])
    except Exception as error:
        _pass_on(error)
        raise ModelNotReady(f"scores nothing ({type(error).__name__})") from error


def _checked(scores: Scores) -> Scores:
    for value in scores.values():
        if not (math.isfinite(value) and -1e-6 <= value <= 1 + 1e-6):
            raise ValueError("not a probability")
    return {label: min(1.0, max(0.0, float(value))) for label, value in scores.items()}


def _pass_on(error: Exception) -> None:
    """Raise what ends the process or the task: a time limit that runs out is no fault of text or model."""
    if row_errors.ends_the_process(error):
        raise error


def _is_not_the_texts_fault(error: Exception) -> bool:
    from toxicity_ml.errors import ToxicityError

    return isinstance(
        error, ModelNotReady | ToxicityError | DatabaseError | OSError | MemoryError | ImportError
    )


class _Loaded:
    """The process's one loaded version; shared by the worker's threads."""

    def __init__(self, backend: Callable[[], str], cores: int | None = None) -> None:
        """backend: asked at each load which one the setting wants. cores: see `serving.serve`."""
        self._backend = backend
        self._cores = cores
        self._lock = threading.Lock()
        self._sha256 = ""
        self._served: Served | None = None
        self._backoff = FIRST_BACKOFF
        self._not_before = 0.0
        self._complaint = ""
        self._lacks_libraries = False

    def get(self, version: ModelVersion) -> Served:
        with self._lock:
            if self._served is not None and self._sha256 == version.manifest_sha256:
                return self._served
            return self._load(version)

    @property
    def pace(self) -> Pace:
        served = self._served
        return model.pace(is_batched=False) if served is None else served.pace

    def _load(self, version: ModelVersion) -> Served:
        if self._sha256 == version.manifest_sha256 and time.monotonic() < self._not_before:
            raise self._not_ready()
        started = time.monotonic()
        try:
            served = model.serve(version, backend=self._backend(), cores=self._cores)
        except Exception as error:
            _pass_on(error)
            self._put_off(version, error)
            raise self._not_ready() from error
        self._served, self._sha256 = served, version.manifest_sha256
        self._backoff, self._complaint = FIRST_BACKOFF, ""
        metrics.model_loaded(str(version), time.monotonic() - started)
        return served

    def _not_ready(self) -> ModelNotReady:
        return (LibrariesMissing if self._lacks_libraries else ModelNotReady)(self._complaint)

    def _put_off(self, version: ModelVersion, error: Exception) -> None:
        """Longer and longer pauses before it is tried again; `drain` says it in the log, once."""
        self._lacks_libraries = isinstance(error, ImportError)
        complaint = f"Model version {version} can't be loaded: {error}"
        if self._lacks_libraries:
            complaint += f". This machine lacks the libraries of a worker: {INSTALL_LIBRARIES}."
        if complaint != self._complaint:
            self._backoff = FIRST_BACKOFF
        self._served, self._sha256, self._complaint = None, version.manifest_sha256, complaint
        self._not_before = time.monotonic() + self._backoff
        self._backoff = min(2 * self._backoff, LAST_BACKOFF)


_loaded = _Loaded(lambda: conf.BACKEND)
_loaded_for_web = _Loaded(lambda: "onnx", cores=1)
_of_the_parent: list[_Loaded] = []


def _load_anew() -> None:
    """In a forked child: another process's session may have lost its threads, and its lock may be taken.

    It is kept, as to destroy it could wait for the threads that are not there.
    """
    global _loaded, _loaded_for_web
    _of_the_parent.extend((_loaded, _loaded_for_web))
    _loaded, _loaded_for_web = _Loaded(lambda: conf.BACKEND), _Loaded(lambda: "onnx", cores=1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_load_anew)
