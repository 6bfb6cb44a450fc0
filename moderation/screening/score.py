"""Asking the classifier: one version per process, loaded when first needed; a bad text or a bad model?

Nothing here touches a row. This is the only module of the app's pipeline that imports `toxicity_ml`, and it
does so when the first text is scored: a web process never loads onnxruntime.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db import DatabaseError

from moderation import model_store
from moderation.conf import conf
from moderation.models import ModelVersion

logger = logging.getLogger("moderation.screening")

Scores = Mapping[str, float]
Scorer = Callable[[Sequence[str]], Sequence[Scores]]
"""n texts -> n dicts {label: probability}, in the order of the texts."""
LoadScorer = Callable[[ModelVersion], Scorer]

CANARY = "Thank you, that was helpful."
"""Scored when a text fails: where this fails as well, the model is to blame and not the text."""
FIRST_BACKOFF, LAST_BACKOFF = 1.0, 30.0


class ModelNotReady(Exception):
    """The version can't be loaded, or can't score anything: texts stay pending, nothing is counted."""


@dataclass(frozen=True)
class Failure:
    """Scoring this text, alone, failed."""

    code: str


def load_scorer(version: ModelVersion) -> Scorer:
    """The scorer of `version`, loaded at most once per process. Raises ModelNotReady."""
    return _loaded.get(version)


def score_each(score: Scorer, texts: Sequence[str]) -> list[Scores | Failure]:
    """Score n texts -> n results in their order; an error is pinned on the text that causes it alone.

    Raises ModelNotReady where the fault is not a text's.
    """
    try:
        return [_checked(scores) for scores in score(texts)]
    except Exception as error:
        if _is_not_the_texts_fault(error):
            raise ModelNotReady(type(error).__name__) from error
    results: list[Scores | Failure] = []
    for text in texts:
        try:
            results.append(_checked(score([text])[0]))
        except Exception as error:
            if _is_not_the_texts_fault(error):
                raise ModelNotReady(type(error).__name__) from error
            results.append(Failure(f"scoring-error:{type(error).__name__}"[:64]))
    if any(isinstance(result, Failure) for result in results):
        _check_on_canary(score)
    return results


def _check_on_canary(score: Scorer) -> None:
    try:
        _checked(score([CANARY])[0])
    except Exception as error:
        raise ModelNotReady(f"scores nothing ({type(error).__name__})") from error


def _checked(scores: Scores) -> Scores:
    for value in scores.values():
        if not (math.isfinite(value) and -1e-6 <= value <= 1 + 1e-6):
            raise ValueError("not a probability")
    return {label: min(1.0, max(0.0, float(value))) for label, value in scores.items()}


def _is_not_the_texts_fault(error: Exception) -> bool:
    from toxicity_ml.errors import ToxicityError

    return isinstance(
        error, ModelNotReady | ToxicityError | DatabaseError | OSError | MemoryError | ImportError
    )


class _Loaded:
    """The process's one loaded version; shared by the worker's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sha256 = ""
        self._scorer: Scorer | None = None
        self._backoff = FIRST_BACKOFF
        self._not_before = 0.0
        self._complaint = ""

    def get(self, version: ModelVersion) -> Scorer:
        with self._lock:
            if self._scorer is not None and self._sha256 == version.manifest_sha256:
                return self._scorer
            return self._load(version)

    def _load(self, version: ModelVersion) -> Scorer:
        if self._sha256 == version.manifest_sha256 and time.monotonic() < self._not_before:
            raise ModelNotReady(self._complaint)
        try:
            scorer = _load(version)
        except Exception as error:
            self._put_off(version, error)
            raise ModelNotReady(self._complaint) from error
        self._scorer, self._sha256 = scorer, version.manifest_sha256
        self._backoff, self._complaint = FIRST_BACKOFF, ""
        logger.info("Scoring with model version %s.", version)
        return scorer

    def _put_off(self, version: ModelVersion, error: Exception) -> None:
        """Longer and longer pauses before it is tried again; `drain` says it in the log, once."""
        complaint = f"Model version {version} can't be loaded: {error}"
        if complaint != self._complaint:
            self._backoff = FIRST_BACKOFF
        self._scorer, self._sha256, self._complaint = None, version.manifest_sha256, complaint
        self._not_before = time.monotonic() + self._backoff
        self._backoff = min(2 * self._backoff, LAST_BACKOFF)


def _load(version: ModelVersion) -> Scorer:
    from toxicity_ml.classifier import Classifier

    directory = model_store.local_directory(version)
    classifier = Classifier.load(directory, threads=conf.THREADS, verify=False)  # the store just verified it
    return classifier.predict


_loaded = _Loaded()
