"""Scores comments for Perspective's endpoints with the active version, in this web process."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial

from moderation.api import scoring
from moderation.api.admission import RETRY_SECONDS, Busy, admission
from moderation.api.perspective.fitting import CannotFit, scale_of
from moderation.api_keys.fixed_answers import LABELS, fixed_scores
from moderation.conf import REFUSE, conf
from moderation.models import ApiKey, ModelVersion, PerspectiveScale
from moderation.screening.scorer import Failure, Scores
from moderation.versions.active import languages_of
from toxicity_ml.perspective import errors
from toxicity_ml.perspective.analysis import AnalysisOptions
from toxicity_ml.perspective.analysis import Scale as Maps
from toxicity_ml.perspective.engine import ModelEngine
from toxicity_ml.perspective.requests import AnalyzeRequest

logger = logging.getLogger("moderation.api")

NO_MODEL_SECONDS = 30
"""Longer than the model store waits before it tries again."""


class SiteEngine:
    """The service's Engine."""

    def analyze(self, request: AnalyzeRequest, caller: ApiKey | None) -> Mapping[str, object]:
        """Answer one analysis. Raises WireError, Busy or ModelUnavailable."""
        if caller is not None and caller.is_test:
            return _TEST_ENGINE.analyze(request, caller)
        try:
            version = scoring.active_version()
            with admission():  # to tell the language takes time, too
                return _engine_of(version).analyze(request, caller)
        except Busy as error:
            raise errors.Busy(RETRY_SECONDS) from error
        except scoring.NothingToScoreWith as error:
            raise errors.ModelUnavailable(NO_MODEL_SECONDS) from error


def options() -> AnalysisOptions:
    """What the site decides otherwise than Google did."""
    return AnalysisOptions(
        drop_unknown_attributes=conf.PERSPECTIVE_UNKNOWN_ATTRIBUTES != REFUSE,
        max_bytes=conf.PERSPECTIVE_MAX_BYTES,
        strip_html=conf.PERSPECTIVE_HTML != REFUSE,
        unsupported_language="refuse" if conf.PERSPECTIVE_OTHER_LANGUAGES == REFUSE else "english",
    )


def detect(version: ModelVersion, text: str) -> list[str]:
    """The languages of a text, the likeliest first."""
    from toxicity_ml import language  # its libraries are a worker's

    return language.detected(text, own=languages_of(version))


def scale_in_force(version: ModelVersion) -> Maps | None:
    """Return the maps from a version's scores onto Perspective's scale, or None where there are none."""
    return _maps(version.pk, version.manifest_sha256, PerspectiveScale.objects.newest_key(version))


@lru_cache(maxsize=8)
def _maps(version: int, sha256: str, fitted: tuple[int, datetime] | None) -> Maps | None:
    """Read the maps from the database, once per process: neither versions nor fitted scales ever change."""
    try:
        return scale_of(ModelVersion.objects.get(pk=version)).functions() or None
    except CannotFit as error:
        logger.error("The scale of a model version can't be used, and its own scores are sent: %s", error)
        return None


def _engine_of(version: ModelVersion) -> ModelEngine:
    return ModelEngine(
        partial(_scores, version),
        labels=version.labels,
        languages=languages_of(version),
        detect=partial(detect, version),
        scale=scale_in_force(version) if conf.PERSPECTIVE_SCALE else None,
        options=options(),
    )


def _scores(version: ModelVersion, texts: Sequence[str]) -> list[Scores]:
    results = scoring.score_admitted(version, texts)
    if any(isinstance(result, Failure) for result in results):
        raise CannotScore
    return [result for result in results if not isinstance(result, Failure)]


class CannotScore(Exception):
    """The model fails on a text, and on no other."""


def _fixed(texts: Sequence[str]) -> list[Scores]:
    return [fixed_scores(text) for text in texts]


_TEST_ENGINE = ModelEngine(_fixed, labels=LABELS)
