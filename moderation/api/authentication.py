"""Tells REST framework who calls by which API key, and whether the key is for what they call."""

from __future__ import annotations

from typing import Any, Self

from django.contrib.auth.models import AnonymousUser
from rest_framework import status
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from moderation.api_keys.authentication import identify, note_use, require_origin, require_scope
from moderation.api_keys.refusals import KeyRefused, Reason
from moderation.api_keys.requests import find_key, origin_of
from moderation.models import ApiKey

FORBIDDEN = (Reason.SCOPE, Reason.ORIGIN)
"""The key is a valid one, and not for this request."""


class KeyNotAccepted(APIException):
    """Answers 401 where a key opens nothing, 403 where it opens something else; a sentence says why."""

    status_code: int = status.HTTP_401_UNAUTHORIZED

    def __init__(self, refused: KeyRefused) -> None:
        super().__init__(str(refused), code=refused.reason.value)
        if refused.reason in FORBIDDEN:
            self.status_code = status.HTTP_403_FORBIDDEN
        else:
            self.auth_header = 'Api-Key realm="moderation"'
            """What REST framework answers as WWW-Authenticate."""


class ApiKeyAuthentication(BaseAuthentication):
    """Takes a key from `?key=`, `X-Goog-Api-Key` or `Authorization`; `request.auth` is then its ApiKey.

    `request.user` stays anonymous: a key belongs to a program. A bearer's token that is no key of ours is
    left to the site's own classes.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        presented = find_key(request._request)
        if presented is None or presented.may_be_foreign:
            return None
        try:
            key = identify(presented.raw)
            require_origin(key, origin_of(request._request))
        except KeyRefused as refused:
            raise KeyNotAccepted(refused) from None
        return AnonymousUser(), key


class KeyedView(APIView):
    """A view that takes keys beside what the site's REST_FRAMEWORK says."""

    authentication_classes = (ApiKeyAuthentication, *APIView.authentication_classes)

    def get_authenticate_header(self, request: Request) -> str:
        """Return WWW-Authenticate for a caller without a key: as the site's first class has it, or nothing.

        REST framework answers 401 where there is such a header, and 403 where there is none; a site's clients
        go by that.
        """
        others = [each for each in self.get_authenticators() if not isinstance(each, ApiKeyAuthentication)]
        return (others[0].authenticate_header(request) if others else None) or ""


class HasScope(BasePermission):
    """Lets in callers with a key of one scope: `permission_classes = [HasScope("classify")]`."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self) -> Self:
        """Return itself: REST framework calls what `permission_classes` lists."""
        return self

    def has_permission(self, request: Request, view: Any) -> bool:
        """True where there is a key, and for this. Raises KeyNotAccepted where it is for something else."""
        key = key_of(request)
        if key is None:
            return False
        try:
            require_scope(key, self.scope)
        except KeyRefused as refused:
            raise KeyNotAccepted(refused) from None
        note_use(key)
        return True


def key_of(request: Request | None) -> ApiKey | None:
    """Return the key by which somebody calls; None where they come otherwise."""
    auth = getattr(request, "auth", None)
    return auth if isinstance(auth, ApiKey) else None
