"""What is refused is refused as problem details (RFC 9457), with a stable code, whatever the site has set."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

CONTENT_TYPE = "application/problem+json"
NOT_VALID = "The request is not valid; `errors` says where."


class Problem(serializers.Serializer):
    """Why a request was refused, as RFC 9457 has it."""

    type = serializers.CharField(help_text="Always `about:blank`: `title` is the phrase of the status.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text="What happened, for programs; it stays as it is.")
    detail = serializers.CharField(help_text="What happened, for people; the words may change.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a serializer has errors of its own
        required=False, help_text="What is wrong with which field, where the code is `invalid`."
    )


class Refusal(APIException):
    """An error of the client's, with members of its own beside those of every problem."""

    def __init__(self, detail: str, code: str, status_code: int, **members: Any) -> None:
        super().__init__(detail, code)
        self.status_code = status_code
        self.members = members


def not_found(detail: str) -> Refusal:
    """Build a 404 with a sentence of ours."""
    return Refusal(detail, "not_found", status.HTTP_404_NOT_FOUND)


def handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an error of REST framework's, or Django's 403 and 404; None for any other, which is raised.

    The headers are REST framework's: `WWW-Authenticate`, `Retry-After`.
    """
    response: Response | None = exception_handler(error, context)
    if response is None:
        return None
    response.data = {
        "type": "about:blank",
        "title": HTTPStatus(response.status_code).phrase,
        "status": response.status_code,
        "code": _code(error),
        **_told(error, response.data),
        **getattr(error, "members", {}),
    }
    response.content_type = CONTENT_TYPE
    if (request := context.get("request")) is not None:  # which may have been asked for YAML
        request.accepted_renderer = JSONRenderer()
        request.accepted_media_type = JSONRenderer.media_type
    return response


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "permission_denied"
    codes = error.get_codes() if isinstance(error, APIException) else None
    return codes if isinstance(codes, str) else "invalid"


def _told(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, ValidationError):
        return {"detail": NOT_VALID, "errors": data if isinstance(data, dict) else {"non_field_errors": data}}
    return {"detail": str(data["detail"])}
