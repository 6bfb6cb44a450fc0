"""What every address of the API has in common: JSON in, JSON or a problem out, whatever the site has set."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.decorators import method_decorator
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from moderation.api import problems
from moderation.api.authentication import KeyedView
from moderation.api.openapi import EndpointSchema, Operation
from moderation.api.throttling import KeyQuota, ReadThrottle
from moderation.db.transactions import without_transaction

MOST_BYTES = 256 * 1024
"""Of a body that is no text to be scored."""


class TooLarge(APIException):
    """413: more than one request may bring."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class BoundedJSONParser(JSONParser):
    """JSON of bounded size and depth: anything else is the client's error, not ours."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error: nested too deeply.") from error


class _NoFormatParameter:
    URL_FORMAT_OVERRIDE = None


class Negotiation(DefaultContentNegotiation):
    """By `Accept` alone: no parameter of the query chooses a format."""

    settings = _NoFormatParameter()  # type: ignore[assignment]


@method_decorator(without_transaction, name="dispatch")
class Endpoint(KeyedView):
    """One address. Its methods are described by `operations`, and who may by `access`, for each method."""

    renderer_classes: Sequence[type[BaseRenderer]] = (JSONRenderer,)
    parser_classes = (BoundedJSONParser,)
    throttle_classes = (KeyQuota, ReadThrottle, *APIView.throttle_classes)
    content_negotiation_class: type[DefaultContentNegotiation] = Negotiation
    versioning_class = None
    metadata_class = None
    schema: Any = EndpointSchema()
    operations: Mapping[str, Operation] = {}
    access: Mapping[str, BasePermission] = {}
    speaks_to_people = False
    """True where it returns sentences for a reader or an author, which are in the language of the request."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer programs in English, whatever language their caller's browser asks for."""
        if self.speaks_to_people:
            return super().dispatch(request, *args, **kwargs)
        with translation.override("en"):
            return super().dispatch(request, *args, **kwargs)

    def get_permissions(self) -> list[BasePermission]:
        """Return the rule of the method; none for one that the address lacks, which gets 405 from anybody."""
        method = "GET" if self.request.method == "HEAD" else str(self.request.method)
        return [self.access[method]] if method in self.access else []

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Return our handler, whatever the site has set."""
        return problems.handler

    def most_bytes(self) -> int:
        """Return how many bytes a body may have."""
        return MOST_BYTES

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too large before anybody reads it: the check for CSRF does."""
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length > self.most_bytes():
            raise self._too_large()
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        """Answer in JSON what Django answers with a page, and say when to come again."""
        error = exc
        if isinstance(exc, RequestDataTooBig):
            error = self._too_large()
        elif isinstance(exc, UnreadablePostError):
            error = ParseError("The body ended before its length.")
        response: Response = super().handle_exception(error)
        if wait := getattr(error, "wait", None):
            response.headers.setdefault("Retry-After", str(math.ceil(wait)))
        return response

    def _too_large(self) -> TooLarge:
        return TooLarge(f"At most {self.most_bytes():,} bytes in one request.")
