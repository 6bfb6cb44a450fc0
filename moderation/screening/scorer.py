"""Loads one model version per process, and tells an error of one text from an error of the model.

Nothing here touches a row. How the model runs is the business of `model`.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError

from moderation import metrics, row_errors
from moderation.conf import conf
from moderation.models import ModelVersion
from moderation.screening import model
from moderation.screening.model import BatchLimits, LoadedModel

if TYPE_CHECKING:
    from toxicity_ml.explanation import Word

Scores = Mapping[str, float]
Scorer = Callable[[Sequence[str]], Sequence[Scores]]
"""n texts -> n dicts {label: probability}, in the order of the texts."""
LoadScorer = Callable[[ModelVersion], Scorer]

PROBE_TEXT = "Thank you, that was helpful."
"""A harmless text, scored when another one fails: where this fails as well, the model is to blame."""
INSTALL_LIBRARIES = "pip install '.[worker]'"
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 30.0


class ModelNotReady(Exception):
    """Raised where the version can't be loaded or can't score: texts stay pending, nothing is counted."""


class LibrariesMissing(ModelNotReady):
    """Raised where no version can be loaded on this machine: it lacks the libraries of a worker."""


@dataclass(frozen=True)
class Failure:
    """Stands in place of the scores of a text that could not be scored even by itself."""

    code: str


def load_scorer(version: ModelVersion) -> Scorer:
    """The scorer of `version`, loaded at most once per process. Raises ModelNotReady."""
    return _loaded.get(version).predict


def load_candidate(version: ModelVersion) -> Scorer:
    """The scorer of a candidate, beside the version that scores, on one core. Raises ModelNotReady."""
    return _candidate.get(version).predict


def forget_candidate() -> None:
    """Free the memory of the candidate, if one is loaded."""
    _candidate.forget()


def load_scorer_for_web(version: ModelVersion) -> Scorer:
    """The scorer of `version` on one core of the CPU, whatever MODERATION says. Raises ModelNotReady.

    A web process never imports torch, and its other cores serve pages.
    """
    return _loaded_for_web.get(version).predict


def is_loaded_for_web(version: ModelVersion) -> bool:
    """True where `load_scorer_for_web` would give the scorer of `version` at once; never waits."""
    return _loaded_for_web.has(version)


def explain_for_web(version: ModelVersion, text: str, label: str) -> tuple[Word, ...]:
    """Each word's part in a label's score, as `load_scorer_for_web` scores. Raises ModelNotReady.

    The text was scored before, so what fails here is the model's fault.
    """
    loaded = _loaded_for_web.get(version)
    return _blaming_the_model(lambda: loaded.explain(text, label))


def driving_words_for_web(version: ModelVersion, text: str, label: str) -> tuple[Word, ...]:
    """The words of the passages that speak most for a label, of a text of any length. Raises ModelNotReady.

    The text was scored before, so what fails here is the model's fault.
    """
    loaded = _loaded_for_web.get(version)
    return _blaming_the_model(lambda: loaded.driving_words(text, label))


def _blaming_the_model(explain: Callable[[], tuple[Word, ...]]) -> tuple[Word, ...]:
    try:
        return explain()
    except Exception as error:
        _pass_on(error)
        raise ModelNotReady(type(error).__name__) from error


def batch_limits() -> BatchLimits:
    """How much a worker takes on at a time, as suits the backend that is loaded."""
    return _loaded.batch_limits


def score_each(score: Scorer, texts: Sequence[str]) -> list[Scores | Failure]:
    """Score n texts -> n results in their order; a text that fails by itself gets a Failure.

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
        check_on_probe(score)
    return results


def check_on_probe(score: Scorer) -> None:
    """Score a text that is known to be harmless. Raises ModelNotReady where even that fails."""
    try:
        _checked(score([PROBE_TEXT])[0])
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
    """The one version that is loaded in this process; the worker's threads share it."""

    def __init__(
        self, backend: Callable[[], str], cores: int | None = None, *, is_counted: bool = True
    ) -> None:
        """backend: asked at each load which one the setting wants. cores: see `model.load_model`.

        is_counted: False where metrics are not to take it for the version that scores.
        """
        self._backend = backend
        self._cores = cores
        self._is_counted = is_counted
        self._lock = threading.Lock()
        self._sha256 = ""
        self._model: LoadedModel | None = None
        self._backoff = FIRST_BACKOFF
        self._not_before = 0.0
        self._complaint = ""
        self._lacks_libraries = False

    def get(self, version: ModelVersion) -> LoadedModel:
        with self._lock:
            if self._model is not None and self._sha256 == version.manifest_sha256:
                return self._model
            return self._load(version)

    def forget(self) -> None:
        """Free the memory of what is loaded; another `get` loads it anew."""
        with self._lock:
            self._model, self._sha256 = None, ""
            self._backoff, self._not_before = FIRST_BACKOFF, 0.0

    def has(self, version: ModelVersion) -> bool:
        """True where `version` is loaded. Takes no lock, which is held while one is being loaded."""
        return self._model is not None and self._sha256 == version.manifest_sha256

    @property
    def batch_limits(self) -> BatchLimits:
        loaded = self._model
        return model.batch_limits(is_batched=False) if loaded is None else loaded.batch_limits

    def _load(self, version: ModelVersion) -> LoadedModel:
        if self._sha256 == version.manifest_sha256 and time.monotonic() < self._not_before:
            raise self._not_ready()
        started = time.monotonic()
        try:
            loaded = model.load_model(version, backend=self._backend(), cores=self._cores)
        except Exception as error:
            _pass_on(error)
            self._put_off(version, error)
            raise self._not_ready() from error
        self._model, self._sha256 = loaded, version.manifest_sha256
        self._backoff, self._complaint = FIRST_BACKOFF, ""
        if self._is_counted:
            metrics.model_loaded(str(version), time.monotonic() - started)
        return loaded

    def _not_ready(self) -> ModelNotReady:
        return (LibrariesMissing if self._lacks_libraries else ModelNotReady)(self._complaint)

    def _put_off(self, version: ModelVersion, error: Exception) -> None:
        """Note why it can't be loaded, which `drain` logs once, and pause longer before each next try."""
        self._lacks_libraries = isinstance(error, ImportError)
        complaint = f"Model version {version} can't be loaded: {error}"
        if self._lacks_libraries:
            complaint += f". This machine lacks the libraries of a worker: {INSTALL_LIBRARIES}."
        if complaint != self._complaint:
            self._backoff = FIRST_BACKOFF
        self._model, self._sha256, self._complaint = None, version.manifest_sha256, complaint
        self._not_before = time.monotonic() + self._backoff
        self._backoff = min(2 * self._backoff, LAST_BACKOFF)


_loaded = _Loaded(lambda: conf.BACKEND)
_loaded_for_web = _Loaded(lambda: "onnx", cores=1)
_candidate = _Loaded(lambda: conf.BACKEND, cores=1, is_counted=False)
_of_the_parent: list[_Loaded] = []


def _load_anew() -> None:
    """Start a forked child without a model: the parent's may have lost its threads, and its lock be taken.

    The parent's is kept, as to destroy it could wait for threads that are not there.
    """
    global _loaded, _loaded_for_web, _candidate
    _of_the_parent.extend((_loaded, _loaded_for_web, _candidate))
    _loaded, _loaded_for_web = _Loaded(lambda: conf.BACKEND), _Loaded(lambda: "onnx", cores=1)
    _candidate = _Loaded(lambda: conf.BACKEND, cores=1, is_counted=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_load_anew)
