"""Tells the language of a text, where the library for it is there; never costs a text its verdict."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from moderation import metrics, row_errors
from moderation.models import ModelVersion
from moderation.versions.active import languages_of

__all__ = ["Identified", "identify", "prepare"]

logger = logging.getLogger("moderation.screening")


@dataclass(frozen=True)
class Identified:
    """What language a text is in."""

    language: str
    """A BCP 47 tag; empty where it could not be told."""
    is_own: bool
    """True: the model was made for it, or it could not be told, or the text says too little."""


def identify(texts: Sequence[str], version: ModelVersion) -> list[Identified]:
    """Tell the languages of n texts -> n in their order. Raises nothing but what ends the process."""
    own = languages_of(version)
    return [_identified(text, own) for text in texts]


def prepare() -> None:
    """Load what tells languages, so that no text waits for it. Raises nothing but what ends the process."""
    _identified("Loads what is needed.", ["en"])


def _identified(text: str, own: Sequence[str]) -> Identified:
    try:
        from toxicity_ml import language  # its libraries are a worker's

        identified = language.identify(text, own=own)
        return Identified(identified.language, identified.is_own)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        _complain(error)
        return Identified("", is_own=True)


def _complain(error: BaseException) -> None:
    """Count the error, and log each kind once: the library may be missing, and texts are many."""
    code = row_errors.code("language", error)
    metrics.count_failure(code)
    if code not in _complained:
        _complained.add(code)
        logger.error("The language of a text can't be told (%s); such texts are scored like any other.", code)


_complained: set[str] = set()
