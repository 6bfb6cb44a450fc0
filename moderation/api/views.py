"""`POST classify/`: scores texts with the active version, in this process, and stores nothing."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.utils.decorators import method_decorator
from django.utils.module_loading import import_string
from drf_spectacular.views import SpectacularAPIView
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from moderation import policies
from moderation.api import scoring
from moderation.api.admission import Busy
from moderation.api.authentication import HasScope, KeyedView, key_of
from moderation.api.openapi import ClassifySchema, SchemaSchema
from moderation.api.serializers import ClassifyRequest
from moderation.api.throttling import ClassifyThrottle, KeyQuota
from moderation.api_keys import fixed_answers
from moderation.conf import conf
from moderation.db.transactions import without_transaction
from moderation.models import ApiKey, ModelVersion, Screening
from moderation.policies import Thresholds
from moderation.screening.judging import thresholds_for
from moderation.screening.scorer import Failure, Scores

logger = logging.getLogger("moderation.api")

BYTES_PER_CHARACTER = 12
"""What one character takes at most in JSON: an escaped surrogate pair."""
BYTES_AROUND = 64 * 1024
"""For keys, quotes, commas and white space."""


class TooLarge(APIException):
    """413: more text than one request may bring."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


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


class BoundedJSONParser(JSONParser):
    """JSON of bounded size and depth: anything else is the client's error, not ours."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error: nested too deeply.") from error


@method_decorator(without_transaction, name="dispatch")
class ClassifyView(KeyedView):
    """Scores one text, or several.

    A key says who calls; without one the site's REST_FRAMEWORK says how callers are recognised.
    """

    renderer_classes = (JSONRenderer,)
    parser_classes = (BoundedJSONParser,)
    throttle_classes = (KeyQuota, ClassifyThrottle, *APIView.throttle_classes)
    versioning_class = None
    schema = ClassifySchema()

    def get_permissions(self) -> list[BasePermission]:
        return permissions(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too large before anybody reads it: the check for CSRF does."""
        _check_length(request)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer in JSON what Django answers with a page, and say when to come again."""
        error = _as_client_error(exc)
        response: Response = super().handle_exception(error)
        if wait := getattr(error, "wait", None):
            response.headers.setdefault("Retry-After", str(math.ceil(wait)))
        if isinstance(error, Busy):
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
        if "text" in body.validated_data:
            return Response(answer([body.validated_data["text"]])[0])
        return Response({"results": answer(body.validated_data["texts"])})


@method_decorator(without_transaction, name="dispatch")
class SchemaView(KeyedView, SpectacularAPIView):
    """The OpenAPI description of this API, for those who may call it."""

    versioning_class = None
    urlconf = "moderation.api.urls"
    schema = SchemaSchema()

    def get_permissions(self) -> list[BasePermission]:
        return permissions(self.request)

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the schema with the addresses under which the site included the API."""
        self.custom_settings = {
            "TITLE": "Comment moderation",
            "SCHEMA_PATH_PREFIX_INSERT": request.path.removesuffix("/schema/"),
        }
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        return response


def permissions(request: Request | HttpRequest | None) -> list[BasePermission]:
    """Return what a caller needs: with a key its scope `classify`, without one what the site has chosen.

    That is MODERATION["CLASSIFY_PERMISSION"], staff by default.
    """
    if isinstance(request, Request) and key_of(request) is not None:
        return [HasScope(ApiKey.Scope.CLASSIFY)]
    return [import_string(conf.CLASSIFY_PERMISSION)()]


def classify(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the classifications of n texts, in their order.

    Raises TooLarge, Busy, NoModel or CannotScore.
    """
    _check_characters(texts)
    try:
        version = scoring.active_version()
        results = scoring.score_now(version, texts)
    except scoring.NothingToScoreWith as error:
        raise NoModel from error
    # Texts that belong to no object are judged by the policy for all models.
    in_force, _ = thresholds_for(Screening(source=Screening.Source.SUGGESTION), version)
    return [_classification(result, in_force, version) for result in results]


def classify_fixed(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the test key gets for n texts, in their order, without a model. Raises TooLarge."""
    _check_characters(texts)
    return [_fixed(fixed_answers.fixed_scores(text)) for text in texts]


def _fixed(scores: Mapping[str, float]) -> dict[str, Any]:
    label = _highest(scores)
    return {
        "label": label,
        "confidence": scores[label],
        "all_scores": dict(scores),
        "flagged": scores[label] >= fixed_answers.THRESHOLD,
        "model": fixed_answers.MODEL,
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


def _check_characters(texts: Sequence[str]) -> None:
    if sum(len(text) for text in texts) > conf.CLASSIFY_MAX_CHARACTERS:
        raise TooLarge(f"At most {conf.CLASSIFY_MAX_CHARACTERS:,} characters in one request.")


def _check_length(request: Request) -> None:
    """Refuse a body that is too long before it is read.

    Django refuses more than DATA_UPLOAD_MAX_MEMORY_SIZE in any case.
    """
    limit = most_bytes()
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if length > limit:
        raise TooLarge(f"At most {limit:,} bytes in one request.")


def most_bytes() -> int:
    """Return how many bytes a body may have: room for CLASSIFY_MAX_CHARACTERS, however JSON writes them."""
    needed = conf.CLASSIFY_MAX_CHARACTERS * BYTES_PER_CHARACTER + BYTES_AROUND
    let_in = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return needed if let_in is None else min(needed, int(let_in))


def _as_client_error(error: Exception) -> Exception:
    """Return REST framework's exception for what Django raises while it reads a body; any other as it is."""
    if isinstance(error, RequestDataTooBig):
        return TooLarge(f"At most {most_bytes():,} bytes in one request.")
    if isinstance(error, UnreadablePostError):
        return ParseError("The body ended before its length.")
    return error
