"""`POST classify/`: scores texts with the active version, in this process, and stores nothing."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from moderation import policies
from moderation.api import explaining, scoring
from moderation.api.admission import Busy
from moderation.api.authentication import HasScope, key_of
from moderation.api.endpoint import Endpoint, TooLarge
from moderation.api.openapi import Operation
from moderation.api.problems import Problem
from moderation.api.serializers import Classification, Classifications, ClassifyRequest
from moderation.api.throttling import ClassifyThrottle, KeyQuota
from moderation.api_keys import fixed_answers
from moderation.conf import conf
from moderation.models import ApiKey, ModelVersion, Screening
from moderation.policies import Thresholds
from moderation.screening.judging import thresholds_for
from moderation.screening.languages import identify
from moderation.screening.scorer import Failure, Scores

logger = logging.getLogger("moderation.api")

BYTES_PER_CHARACTER = 12
"""What one character takes at most in JSON: an escaped surrogate pair."""
BYTES_AROUND = 64 * 1024
"""For keys, quotes, commas and white space."""


class NoModel(APIException):
    """503: the log names the file; a client need not know where it lies."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "No model can score at the moment. The server's log says why; try again later."
    default_code = "model_unavailable"
    wait = 30  # longer than the model store waits before it tries again


class CannotScore(APIException):
    """422: the model fails on this text, and on no other."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "cannot_score"


class ClassifyView(Endpoint):
    """Scores of one text, or of several.

    A key says who calls; without one the site's REST_FRAMEWORK says how callers are recognised.
    """

    throttle_classes = (KeyQuota, ClassifyThrottle, *APIView.throttle_classes)
    operations = {
        "POST": Operation(
            "classify",
            "Score one text, or several",
            PolymorphicProxySerializer(
                component_name="ClassifyResponse",
                serializers=[Classification, Classifications],
                resource_type_field_name=None,
                many=False,
            ),
            description="Nothing is stored. With `text` the answer is one classification, with `texts` a "
            "list of `results` in their order.",
            body=ClassifyRequest,
            problems={422: Problem, 503: Problem},
        )
    }

    def get_permissions(self) -> list[BasePermission]:
        """Return what `permissions` asks of the caller, for each method."""
        return permissions(self.request)

    def most_bytes(self) -> int:
        """Return room for CLASSIFY_MAX_CHARACTERS, however written, or less where Django takes less."""
        needed = conf.CLASSIFY_MAX_CHARACTERS * BYTES_PER_CHARACTER + BYTES_AROUND
        let_in = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return needed if let_in is None else min(needed, int(let_in))

    def handle_exception(self, exc: Exception) -> Response:
        """Answer, and log no error for requests that were sent away."""
        response = super().handle_exception(exc)
        if isinstance(exc, Busy):
            # Django would log an error, and mail it to the admins, for each of the requests of a flood.
            response._has_been_logged = True  # type: ignore[attr-defined]
            logger.info("A request to classify/ was sent away: as many as may be are being scored.")
        return response

    def post(self, request: Request) -> Response:
        """Answer `text` with one classification, `texts` with a list of `results` in their order."""
        body = ClassifyRequest(data=request.data)
        body.is_valid(raise_exception=True)
        key = key_of(request)
        answer = classify_fixed if key is not None and key.is_test else classify
        explain = body.validated_data["explain"]
        if "text" in body.validated_data:
            return Response(answer([body.validated_data["text"]], explain=explain)[0])
        return Response({"results": answer(body.validated_data["texts"], explain=explain)})


def permissions(request: Request | HttpRequest | None) -> list[BasePermission]:
    """Return what a caller needs: with a key its scope `classify`, without one what the site has chosen.

    That is MODERATION["CLASSIFY_PERMISSION"], staff by default.
    """
    if isinstance(request, Request) and key_of(request) is not None:
        return [HasScope(ApiKey.Scope.CLASSIFY)]
    return [import_string(conf.CLASSIFY_PERMISSION)()]


def classify(texts: Sequence[str], *, explain: bool = False) -> list[dict[str, Any]]:
    """Return the classifications of n texts, in their order.

    explain: each with the words that drove its highest label, as far as explaining.SECONDS last.
    Raises TooLarge, Busy, NoModel or CannotScore.
    """
    _check_characters(texts, explain)
    try:
        version = scoring.active_version()
        results = scoring.score_now(version, texts)
        words = explaining.explain_now(version, texts, results) if explain and texts else None
    except scoring.NothingToScoreWith as error:
        raise NoModel from error
    # Texts that belong to no object are judged by the policy for all models.
    in_force, _ = thresholds_for(Screening(source=Screening.Source.SUGGESTION), version)
    classifications = [
        {**_classification(result, in_force, version), "language": identified.language}
        for result, identified in zip(results, identify(texts, version), strict=True)
    ]
    if words is None:
        return classifications
    return [{**each, "words": part} for each, part in zip(classifications, words, strict=True)]


def classify_fixed(texts: Sequence[str], *, explain: bool = False) -> list[dict[str, Any]]:
    """Return what the test key gets for n texts, in their order, without a model. Raises TooLarge."""
    _check_characters(texts, explain)
    words: dict[str, Any] = {"words": []} if explain else {}
    return [{**_fixed(fixed_answers.fixed_scores(text)), **words} for text in texts]


def _fixed(scores: Mapping[str, float]) -> dict[str, Any]:
    label = _highest(scores)
    return {
        "label": label,
        "confidence": scores[label],
        "all_scores": dict(scores),
        "flagged": scores[label] >= fixed_answers.THRESHOLD,
        "model": fixed_answers.MODEL,
        "language": "en",
    }


def _classification(result: Scores | Failure, in_force: Thresholds, version: ModelVersion) -> dict[str, Any]:
    if isinstance(result, Failure):
        raise CannotScore(f"A text could not be scored ({result.code}).")
    label = _highest(result)
    return {
        "label": label,
        "confidence": result[label],
        "all_scores": dict(result),
        "flagged": policies.judge(result, in_force).verdict != policies.CLEAR,
        "model": str(version),
    }


def _highest(scores: Mapping[str, float]) -> str:
    return max(scores, key=lambda label: scores[label])


def _check_characters(texts: Sequence[str], explain: bool) -> None:
    """Raise TooLarge; a text that is explained is read once more for each of its words."""
    most = conf.CLASSIFY_MAX_CHARACTERS
    if sum(len(text) for text in texts) > most:
        raise TooLarge(f"At most {most:,} characters in one request.")
    if explain and explaining.cost(texts) > most:
        raise TooLarge(
            "Too much to explain: the characters of each text times its words may be at most "
            f"{most:,} in one request."
        )
