"""Scores texts in this web process for a caller of the API, within what the process may take on."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from moderation.api.admission import admission
from moderation.models import ModelVersion
from moderation.screening.scorer import Failure, ModelNotReady, Scores, load_scorer_for_web, score_each
from moderation.versions import store

logger = logging.getLogger("moderation.api")


class NothingToScoreWith(Exception):
    """No model can score at the moment; the log says why."""


def active_version() -> ModelVersion:
    """The version that scores now. Raises NothingToScoreWith."""
    try:
        return store.active_version()
    except store.ModelUnavailable as error:
        raise nothing(error) from error


def score_now(version: ModelVersion, texts: Sequence[str]) -> list[Scores | Failure]:
    """Score n texts -> n results in their order; stores nothing.

    Raises admission.Busy where this process scores as much as it may, and NothingToScoreWith.
    """
    if not texts:
        return []
    with admission():
        return score_admitted(version, texts)


def score_admitted(version: ModelVersion, texts: Sequence[str]) -> list[Scores | Failure]:
    """Do as `score_now` for a caller that is counted in already. Raises NothingToScoreWith."""
    try:
        return score_each(load_scorer_for_web(version), texts)
    except (store.ModelUnavailable, ModelNotReady) as error:
        raise nothing(error) from error


def nothing(error: Exception) -> NothingToScoreWith:
    """Log why no model can score, and return the exception that says so and no more."""
    logger.error("A text could not be classified: %s", error)
    return NothingToScoreWith()
