"""Finds the key of a request, and takes it out of what anything could log."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote_plus

from django.http import HttpRequest
from django.urls import Resolver404, resolve

from moderation.api_keys import origins
from moderation.api_keys.making import START

PARAMETER = "key"
TOKENS = ("access_token", "oauth_token")
"""Where clients of Google's APIs may put a token. It opens nothing here, and is a secret all the same."""
HEADER = "HTTP_X_GOOG_API_KEY"
SCHEMES = ("bearer", "api-key")
STARTS = (START, "AIza")
"""Of our keys, and of Google's, which a client that has moved may still send."""
OWN_NAMESPACE = "moderation"
"""What the namespaces of the app's own addresses begin with."""
ADDRESSES = ("REQUEST_URI", "RAW_URI", "HTTP_REFERER")
"""Where servers keep the address as it came: gunicorn's access log prints RAW_URI. And the page before."""
_KEPT_AS = "_moderation_api_key"


class Place(StrEnum):
    """Where in a request a key was."""

    QUERY = "query"
    HEADER = "header"
    BEARER = "bearer"
    """`Authorization: Bearer`, which may also be somebody else's token."""
    API_KEY = "api-key"
    """`Authorization: Api-Key`."""


@dataclass(frozen=True)
class PresentedKey:
    """Holds a key as a request brought it. Its `repr` does not show it, as error pages show variables."""

    raw: str = field(repr=False)
    place: Place

    @property
    def may_be_foreign(self) -> bool:
        """True where it may as well be a token for something else of the site."""
        return self.place is Place.BEARER and not self.raw.startswith(START)


def find_key(request: HttpRequest) -> PresentedKey | None:
    """Return the key of `?key=`, else of `X-Goog-Api-Key`, else of `Authorization`; None without one.

    A key of the first two is taken out of the request and kept for the next call.
    """
    if (kept := getattr(request, _KEPT_AS, None)) is None:
        hide_key(request)
        kept = getattr(request, _KEPT_AS, None)
    return kept or _of_authorization(request)


def hide_key(request: HttpRequest) -> None:
    """Take `key=` and `X-Goog-Api-Key` out of a request, for `find_key` to give.

    Afterwards neither is in META, GET, get_full_path(), nor in what WSGI and ASGI servers log of the request.
    """
    from_query, rest = take_key(request.META.get("QUERY_STRING", ""))
    from_header = request.META.pop(HEADER, None)
    _clean(request, rest)
    if from_query:
        setattr(request, _KEPT_AS, PresentedKey(from_query, Place.QUERY))
    elif from_header:
        setattr(request, _KEPT_AS, PresentedKey(from_header.strip(), Place.HEADER))


def hide_tokens(request: HttpRequest) -> None:
    """Take OAuth tokens out of the query of a request to an address that has no such parameter of its own."""
    query = request.META.get("QUERY_STRING", "")
    left = _without_tokens(query)
    if left == query:
        return
    _set_query(request, left)
    for name in ADDRESSES:
        before, question_mark, rest = request.META.get(name, "").partition("?")
        if question_mark:
            request.META[name] = f"{before}?{_without_tokens(rest)}"


def clean_referer(request: HttpRequest) -> None:
    """Take a key out of the address of the page before, where it begins as one."""
    address = request.META.get("HTTP_REFERER", "")
    value, _ = take_key(address.partition("?")[2].partition("#")[0])
    if value is not None and value.startswith(STARTS):
        request.META["HTTP_REFERER"] = without_key(address)


def take_key(query: str) -> tuple[str | None, str]:
    """Return the first value of `key` in a query, and the query without any `key`, the rest untouched.

    query: as it stands in an address, without the question mark.
    """
    parts = query.split("&")
    left = [part for part in parts if not _is_key(part)]
    values = [unquote_plus(part.partition("=")[2]) for part in parts if _is_key(part)]
    return next((value.strip() for value in values if value.strip()), None), "&".join(left)


def is_ours(request: HttpRequest) -> bool:
    """True where `key=` of this request can only be a key to the API, and no parameter of the site's own.

    Either it begins as one, or it goes to the API, or to an address that the site does not have.
    """
    if HEADER in request.META:
        return True
    value, _ = take_key(request.META.get("QUERY_STRING", ""))
    if value is None:
        return False
    if value.startswith(STARTS):
        return True
    try:
        names = resolve(request.path_info, getattr(request, "urlconf", None)).app_names
    except Resolver404:
        return True
    return any(name.startswith(OWN_NAMESPACE) for name in names)


def origin_of(request: HttpRequest) -> str | None:
    """Return the origin of the page behind a request: of `Origin`, else of `Referer`; None without both.

    A browser sets these and lets no page change them; other programs send what they like.
    """
    given = request.META.get("HTTP_ORIGIN") or request.META.get("HTTP_REFERER") or ""
    return origins.of_page(given)


def _is_key(part: str) -> bool:
    return _name(part) == PARAMETER


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def _without_tokens(query: str) -> str:
    return "&".join(part for part in query.split("&") if _name(part) not in TOKENS)


def _of_authorization(request: HttpRequest) -> PresentedKey | None:
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    if scheme.lower() not in SCHEMES or not value.strip():
        return None
    return PresentedKey(value.strip(), Place(scheme.lower()))


def _clean(request: HttpRequest, query: str) -> None:
    _set_query(request, query)
    for name in ADDRESSES:
        if name in request.META:
            request.META[name] = without_key(request.META[name])


def _set_query(request: HttpRequest, query: str) -> None:
    if request.META.get("QUERY_STRING"):
        request.META["QUERY_STRING"] = query
        request.__dict__.pop("GET", None)  # read anew from the query
    scope = getattr(request, "scope", None)  # of an ASGI server, whose access log reads it
    if isinstance(scope, dict) and scope.get("query_string"):
        scope["query_string"] = query.encode("latin-1", "replace")


def without_key(address: str) -> str:
    """Return an address without the `key` of its query."""
    before, question_mark, rest = address.partition("?")
    query, number_sign, fragment = rest.partition("#")
    _, query = take_key(query)
    return before + (question_mark if query else "") + query + number_sign + fragment
