"""Answers one HTTP request of the Perspective API, whatever framework received it.

The framework makes a WireRequest, sends the WireResponse, and gives the three things behind it: who may call
(Keys), what scores (Engine), and where suggestions go (Suggestions). No body and no key is logged here.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from toxicity_ml.perspective import batch, discovery, suggestions
from toxicity_ml.perspective.analysis import MAX_BYTES
from toxicity_ml.perspective.errors import (
    Busy,
    Metric,
    ModelUnavailable,
    WireError,
    internal,
    method_not_allowed,
    not_found,
    payload_too_large,
    unavailable,
)
from toxicity_ml.perspective.lenient_json import parse
from toxicity_ml.perspective.requests import AnalyzeRequest, SuggestRequest, parse_analyze, parse_suggest

__all__ = [
    "BATCH_SECONDS",
    "Batch",
    "Engine",
    "Keys",
    "Scope",
    "Service",
    "ServiceOptions",
    "Suggestions",
    "WireRequest",
    "WireResponse",
]

logger = logging.getLogger(__name__)

BATCH_SECONDS = 30.0
"""Parts of a batch that have not begun by then are refused. Clients and proxies wait for a minute."""
RETRY_SECONDS = 5
"""After which a client may send again what was too late."""
SECONDS_BETWEEN_TRIES = 0.05
"""Of a part for which the engine was too busy."""

JSON_TYPE = "application/json; charset=UTF-8"

Scope = Literal["analyze", "suggest"]


@dataclass(frozen=True)
class WireRequest:
    """An HTTP request, as a framework hands it over."""

    method: str
    path: str
    """Unquoted, below the root: `/v1alpha1/comments:analyze`."""
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By name in small letters."""
    body: bytes = field(default=b"", repr=False)
    root_url: str = "http://localhost/"
    """The address that the API lies below, as clients see it; ends in a slash."""


@dataclass(frozen=True)
class WireResponse:
    """An HTTP response, for a framework to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Keys(Protocol):
    """Knows who may call, and how often. What `admit` returns is a caller, known to the site alone."""

    def admit(self, key: str | None, scope: Scope | None, origin: str | None) -> Any:
        """Return the caller that `key` belongs to; raise the WireError of a missing, bad or unfit one.

        A `scope` of None asks whether the key is one at all. `origin` is that of a browser's request.
        """
        ...

    def charge(self, caller: Any, metric: Metric) -> None:
        """Count one request of a caller; raise the WireError of an exhausted quota."""
        ...


class Engine(Protocol):
    """Scores comments."""

    def analyze(self, request: AnalyzeRequest, caller: Any) -> Mapping[str, object]:
        """Return the answer, by `analysis.analyze`; raise WireError, Busy or ModelUnavailable."""
        ...


class Suggestions(Protocol):
    """Takes what people propose."""

    def receive(self, request: SuggestRequest, caller: Any) -> Sequence[str]:
        """Store a suggestion that was checked, and return the languages detected in its comment, if any."""
        ...


@dataclass(frozen=True)
class ServiceOptions:
    """The bounds of a service."""

    max_comment_bytes: int = MAX_BYTES
    """The longest comment of a suggestion, in bytes of UTF-8. The engine checks its own."""
    max_body_bytes: int = 4 * 1024 * 1024
    """The longest body of one request outside of a batch, and of one inside."""
    max_batch_parts: int = batch.MAX_PARTS
    batch_seconds: float = BATCH_SECONDS
    """How long the parts of a batch may take, and wait, all together. What is left is refused."""
    part_turn: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Entered by each part of a batch that `handle` answers, such as a lock by which batches take turns."""


class Service:
    """The Perspective API below one root."""

    def __init__(
        self,
        keys: Keys,
        engine: Engine,
        suggestions: Suggestions,
        options: ServiceOptions | None = None,
    ) -> None:
        self._keys = keys
        self._engine = engine
        self._suggestions = suggestions
        self._options = options or ServiceOptions()

    def handle(self, request: WireRequest) -> WireResponse:
        """Answer a request. Nothing is raised: a fault of the engine is answered with 500 and logged by
        its type and place."""
        response = self._guarded(request, self._answer)
        return replace(response, headers={**response.headers, **_cors(request)})

    def take_apart(self, request: WireRequest) -> Batch | WireResponse:
        """Take a batch apart, for a framework that answers other callers between its parts.

        Where it can't be taken apart, its answer is returned.
        """
        try:
            return self._taken_apart(request)
        except WireError as error:
            return self.refuse(request, error)

    def refuse(self, request: WireRequest, error: WireError) -> WireResponse:
        """Answer a request with an error that was met before the service could handle it."""
        response = _refused(request, error)
        return replace(response, headers={**response.headers, **_cors(request)})

    def _guarded(self, request: WireRequest, answer: Callable[[WireRequest], WireResponse]) -> WireResponse:
        try:
            return answer(request)
        except WireError as error:
            return _refused(request, error)
        except (Busy, ModelUnavailable) as busy:
            return _refused(request, unavailable(busy.retry_after))
        except Exception as error:
            # Neither message nor traceback: either may quote what somebody wrote.
            logger.error("A Perspective request failed: %s at %s", type(error).__name__, _place_of(error))
            return _refused(request, internal())

    def _answer(self, request: WireRequest) -> WireResponse:
        if request.method == "OPTIONS":
            return WireResponse(204, {}, b"")
        match request.path:
            case "/$discovery/rest":
                return self._discovery(request)
            case "/batch":
                return self._batch(request)
            case _:
                return self._call(request, self._keys, _never)

    def _call(self, request: WireRequest, keys: Keys, may_wait: Callable[[], bool]) -> WireResponse:
        """Answer a call of one of the two methods, alone or as part of a batch.

        `may_wait` is called where the engine is busy; True: it has waited, and the engine is asked again.
        """
        scope: Scope
        match request.path:
            case "/v1alpha1/comments:analyze":
                answer, scope, metric = self._analyze, "analyze", Metric.ANALYZE
            case "/v1alpha1/comments:suggestscore":
                answer, scope, metric = self._suggest, "suggest", Metric.SUGGEST
            case _:
                raise not_found()
        _check_method(request, "POST")
        caller = keys.admit(_key(request), scope, _origin(request))
        keys.charge(caller, metric)
        if len(request.body) > self._options.max_body_bytes:
            raise payload_too_large(self._options.max_body_bytes)
        return _json(request, 200, answer(parse(request.body), caller, may_wait))

    def _analyze(self, body: object, caller: Any, may_wait: Callable[[], bool]) -> Mapping[str, object]:
        request = parse_analyze(body)
        while True:
            try:
                return self._engine.analyze(request, caller)
            except Busy:
                if not may_wait():
                    raise

    def _suggest(self, body: object, caller: Any, may_wait: Callable[[], bool]) -> Mapping[str, object]:
        request = parse_suggest(body)
        suggestions.check(request, max_bytes=self._options.max_comment_bytes)
        return suggestions.answer(request, self._suggestions.receive(request, caller))

    def _discovery(self, request: WireRequest) -> WireResponse:
        if dict(request.query).get("version", discovery.VERSION) != discovery.VERSION:
            raise not_found()
        _check_method(request, "GET", "HEAD")
        key = _key(request)
        if key is not None:
            self._keys.admit(key, None, _origin(request))
        return _json(request, 200, discovery.document(request.root_url))

    def _batch(self, request: WireRequest) -> WireResponse:
        taken = self._taken_apart(request)
        deadline = time.monotonic() + self._options.batch_seconds
        return taken.joined([self._answer_in_turn(taken, part, deadline) for part in taken.parts])

    def _answer_in_turn(self, taken: Batch, part: batch.Part, deadline: float) -> WireResponse:
        """Answer a part; wait while the engine is busy, and refuse what is too late."""

        def may_wait() -> bool:
            time.sleep(SECONDS_BETWEEN_TRIES)
            return time.monotonic() < deadline

        with self._options.part_turn:
            if time.monotonic() >= deadline:
                return taken.refused(part, unavailable(RETRY_SECONDS))
            return taken.answer(part, may_wait)

    def _taken_apart(self, request: WireRequest) -> Batch:
        _check_method(request, "POST")
        content_type = request.headers.get("content-type", "")
        parts = batch.split(content_type, request.body, max_parts=self._options.max_batch_parts)
        keys = _KeysOfBatch(self._keys)

        def answer(part: batch.Part, may_wait: Callable[[], bool]) -> WireResponse:
            return self._guarded(
                request, lambda outer: self._call(_inner_request(outer, part), keys, may_wait)
            )

        return Batch(request, parts, answer)


def _never() -> bool:
    return False


class Batch:
    """A batch that was taken apart. Each part is answered by itself, and the answers are joined."""

    def __init__(
        self,
        request: WireRequest,
        parts: Sequence[batch.Part],
        answer: Callable[[batch.Part, Callable[[], bool]], WireResponse],
    ) -> None:
        self.parts = parts
        """In the order of the request."""
        self._request = request
        self._answer = answer

    def answer(self, part: batch.Part, may_wait: Callable[[], bool] = _never) -> WireResponse:
        """Answer one part. `may_wait` is called where the engine is busy; True: the engine is asked again."""
        return self._answer(part, may_wait)

    def refused(self, part: batch.Part, error: WireError) -> WireResponse:
        """Answer one part with an error."""
        return _refused(self._request, error)

    def joined(self, responses: Sequence[WireResponse]) -> WireResponse:
        """Join the answers to all parts, in the order of the parts, to the answer to the batch."""
        answers = (
            (part.content_id, response.status, response.headers, response.body)
            for part, response in zip(self.parts, responses, strict=True)
        )
        content_type, body = batch.join(answers)
        headers = {"Content-Type": content_type, **_PRIVATE, **_cors(self._request)}
        return WireResponse(200, headers, body)


class _KeysOfBatch:
    """Asks about each key of a batch once: a thousand parts are no thousand look-ups. Each is charged."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._admitted: dict[tuple[str | None, Scope | None, str | None], Any] = {}
        self._refused: dict[tuple[str | None, Scope | None, str | None], WireError] = {}

    def admit(self, key: str | None, scope: Scope | None, origin: str | None) -> Any:
        asked = (key, scope, origin)
        if asked in self._refused:
            raise self._refused[asked]
        if asked not in self._admitted:
            try:
                self._admitted[asked] = self._keys.admit(key, scope, origin)
            except WireError as error:
                self._refused[asked] = error
                raise
        return self._admitted[asked]

    def charge(self, caller: Any, metric: Metric) -> None:
        self._keys.charge(caller, metric)


# --- requests ------------------------------------------------------------------------------------


def _check_method(request: WireRequest, *allowed: str) -> None:
    if request.method not in allowed:
        raise method_not_allowed(", ".join(allowed))


def _key(request: WireRequest) -> str | None:
    """Return the key of a request: of its query, of X-Goog-Api-Key, or of Authorization."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    candidates = (
        dict(request.query).get("key"),
        request.headers.get("x-goog-api-key"),
        token if scheme.lower() == "bearer" else None,
    )
    return next((key.strip() for key in candidates if key and key.strip()), None)


def _origin(request: WireRequest) -> str | None:
    """Return where a browser's request comes from: its Origin, else that of its Referer."""
    origin = request.headers.get("origin")
    if origin:
        return origin
    try:
        referer = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return None
    return f"{referer.scheme}://{referer.netloc}" if referer.scheme and referer.netloc else None


def _inner_request(outer: WireRequest, part: batch.Part) -> WireRequest:
    """Make the request that a part of a batch stands for. One without a key has the batch's."""
    try:
        target = urlsplit(part.target)
        prefix = urlsplit(outer.root_url).path.rstrip("/")
    except ValueError:
        raise not_found() from None
    path = unquote(target.path)
    if prefix and path.startswith(f"{prefix}/"):
        path = path.removeprefix(prefix)
    query = parse_qsl(target.query, keep_blank_values=True)
    headers = {name: value for name, value in part.headers.items() if name not in _WHENCE}
    headers |= {name: outer.headers[name] for name in _WHENCE if name in outer.headers}
    inner = WireRequest(part.method, path, query, headers, part.body, outer.root_url)
    key = None if _key(inner) else _key(outer)
    return replace(inner, query=[*query, ("key", key)]) if key else inner


_WHENCE = ("origin", "referer")
"""What a browser says of where a request comes from. A part of a batch may not say otherwise."""

# --- answers -------------------------------------------------------------------------------------

_PRIVATE = {"Cache-Control": "private", "X-Content-Type-Options": "nosniff"}
_TOKENS = re.compile(r"[\w!#$%&'*+.^`|~, -]{1,2000}", re.ASCII)


def _json(
    request: WireRequest, status: int, value: object, headers: Mapping[str, str] | None = None
) -> WireResponse:
    """Make a JSON answer, indented unless `prettyPrint=false`.

    `alt`, `fields` and `callback` change nothing: an answer is whole, and never a script for a page to run.
    """
    is_compact = dict(request.query).get("prettyPrint", "").lower() in ("false", "0")
    text = json.dumps(
        value,
        ensure_ascii=False,
        allow_nan=False,
        indent=None if is_compact else 2,
        separators=(",", ":") if is_compact else None,
    )
    body = text.encode("utf-8", "replace")
    return WireResponse(status, {"Content-Type": JSON_TYPE, **_PRIVATE, **(headers or {})}, body)


def _refused(request: WireRequest, error: WireError) -> WireResponse:
    if error.code == HTTPStatus.NOT_FOUND:
        headers = {"Content-Type": "text/html; charset=UTF-8", **_PRIVATE}
        return WireResponse(error.code, headers, _NOT_FOUND_PAGE)
    return _json(request, error.code, error.envelope(), error.headers)


_NOT_FOUND_PAGE = (
    b"<!DOCTYPE html>\n<html lang=en>\n<meta charset=utf-8>\n<title>Error 404 (Not Found)</title>\n"
    b"<p><b>404.</b> The requested URL was not found on this server.\n"
)


def _cors(request: WireRequest) -> dict[str, str]:
    """Return the headers that let a page of any origin call and read. Which origins a key is for, Keys
    says; no cookie is ever looked at."""
    headers = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After"}
    if request.method == "OPTIONS":
        asked = request.headers.get("access-control-request-headers", "")
        headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        headers["Access-Control-Allow-Headers"] = asked if _TOKENS.fullmatch(asked) else _USUAL_HEADERS
        headers["Access-Control-Max-Age"] = "3600"
    return headers


_USUAL_HEADERS = "Authorization, Content-Type, X-Goog-Api-Key"


def _place_of(error: BaseException) -> str:
    """Return module and line where an exception was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
