"""Answers Perspective's endpoints at the root of the server, by the code that the Django app uses, too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl

from fastapi import Request, Response
from starlette.types import Scope as AsgiScope

from toxicity_ml.perspective.batch import MAX_BATCH_BYTES, Part
from toxicity_ml.perspective.errors import (
    Metric,
    bad_api_key,
    missing_api_key,
    payload_too_large,
    unavailable,
)
from toxicity_ml.perspective.requests import SuggestRequest
from toxicity_ml.perspective.service import BATCH_SECONDS, Batch, Scope, Service, WireRequest, WireResponse
from toxicity_ml.serving.admission import RETRY_SECONDS, Admission, Overloaded

__all__ = ["BATCH", "PATHS", "Endpoints", "FileKeys", "NoStore"]

BATCH = "/batch"
SCORED = ("/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore")
PATHS = (*SCORED, "/$discovery/rest", BATCH)
MAX_BATCHES = 8
"""Answered at a time: each holds its parts and their answers in memory."""
SECONDS_BETWEEN_TRIES = 0.02
"""Of a part of a batch for which there was no room."""
PARSED_BYTES = 64 * 1024
"""Of a body that is read, in under a millisecond, to see how long its comment is."""

InPool = Callable[[Callable[[], Any]], Awaitable[Any]]


class OpensTo(Protocol):
    """The keys that open the server."""

    def admits(self, key: str) -> bool:
        """True where the key is one of them."""
        ...


class FileKeys:
    """The service's Keys: those of the server. There are no quotas and no origins."""

    def __init__(self, keys: OpensTo | None) -> None:
        """keys: None opens the service to everybody who reaches it."""
        self._keys = keys

    def admit(self, key: str | None, scope: Scope | None, origin: str | None) -> None:
        """Raise the WireError of a missing or a wrong key."""
        if self._keys is None:
            return
        if key is None:
            raise missing_api_key()
        if not self._keys.admits(key):
            raise bad_api_key()

    def charge(self, caller: None, metric: Metric) -> None:
        """Count nothing."""


class NoStore:
    """The service's Suggestions: checked, answered, and forgotten, as this server stores nothing."""

    def receive(self, request: SuggestRequest, caller: None) -> Sequence[str]:
        """No detected language."""
        return ()


class Endpoints:
    """Perspective's endpoints of one server, within what the server admits."""

    def __init__(
        self,
        service: Service,
        admission: Admission,
        in_pool: InPool,
        *,
        max_bytes: int,
        batch_seconds: float = BATCH_SECONDS,
    ) -> None:
        """in_pool: runs something on a thread. max_bytes: of a body outside of a batch."""
        self._service = service
        self._admission = admission
        self._in_pool = in_pool
        self._max_bytes = max_bytes
        self._batch_seconds = batch_seconds
        self._batches = 0

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        wire = _to_wire(request.scope, await request.body())
        if wire.path == BATCH and wire.method == "POST":
            return _from_wire(await self._answer_batch(request, wire))
        if wire.path not in SCORED:
            return _from_wire(self._service.handle(wire))
        try:
            with self._admission.of(characters_of(wire.body)):
                return _from_wire(await self._in_pool(lambda: self._service.handle(wire)))
        except Overloaded:
            return _from_wire(self._service.refuse(wire, unavailable(RETRY_SECONDS)))

    def max_bytes(self, path: str) -> int:
        """The largest body that an address takes."""
        return MAX_BATCH_BYTES if path == BATCH else self._max_bytes

    def refuse_body(self, scope: AsgiScope, is_too_large: bool) -> Response:
        """The answer to a request whose body was not read: it is too large, or there is no room for it."""
        limit = self.max_bytes(scope["path"])
        error = payload_too_large(limit) if is_too_large else unavailable(RETRY_SECONDS)
        return _from_wire(self._service.refuse(_to_wire(scope, b""), error))

    async def _answer_batch(self, request: Request, wire: WireRequest) -> WireResponse:
        """Answer a batch, part by part, so that it keeps nobody else out.

        A part for which there is no room waits. What has not begun when the batch's time is over, or when its
        sender is gone, is refused: a client has what was scored, and sends the rest again.
        """
        if self._batches >= MAX_BATCHES:
            return self._service.refuse(wire, unavailable(RETRY_SECONDS))
        self._batches += 1
        try:
            batch: Batch | WireResponse = await self._in_pool(lambda: self._service.take_apart(wire))
            if isinstance(batch, WireResponse):
                return batch
            deadline = asyncio.get_running_loop().time() + self._batch_seconds
            responses = []
            for part in batch.parts:
                is_gone = await request.is_disconnected()
                responses.append(await self._answer_part(batch, part, 0 if is_gone else deadline))
            return cast(WireResponse, await self._in_pool(lambda: batch.joined(responses)))
        finally:
            self._batches -= 1

    async def _answer_part(self, batch: Batch, part: Part, deadline: float) -> WireResponse:
        while asyncio.get_running_loop().time() < deadline:
            try:
                with self._admission.of(characters_of(part.body)):
                    return cast(WireResponse, await self._in_pool(lambda: batch.answer(part)))
            except Overloaded:
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        return batch.refused(part, unavailable(RETRY_SECONDS))


def characters_of(body: bytes) -> int:
    """How many characters a request has scored: its comment's, twice where the sentences are scored, too.

    Of a body that is long, or no strict JSON, all bytes count.
    """
    if len(body) > PARSED_BYTES:
        return len(body)
    try:
        content = json.loads(body)
        text = content["comment"]["text"]
        return len(text) * (2 if content.get("spanAnnotations") else 1)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return len(body)


def _to_wire(scope: AsgiScope, body: bytes) -> WireRequest:
    """The request as the service takes it."""
    request = Request(scope)
    return WireRequest(
        method=request.method,
        path=request.url.path,
        query=parse_qsl(request.url.query, keep_blank_values=True),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        root_url=str(request.base_url),
    )


def _from_wire(wire: WireResponse) -> Response:
    """The response, its headers as the service wrote them."""
    return Response(wire.body, wire.status, headers=dict(wire.headers))
