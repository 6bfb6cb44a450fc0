"""Answers Perspective's endpoints at the root of the server, by the code that the Django app uses, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import parse_qsl

from fastapi import Request, Response

from toxicity_ml.perspective.errors import Metric, bad_api_key, missing_api_key
from toxicity_ml.perspective.requests import SuggestRequest
from toxicity_ml.perspective.service import Scope, WireRequest

__all__ = ["PATHS", "FileKeys", "NoStore", "from_wire", "to_wire"]

PATHS = ("/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore", "/$discovery/rest", "/batch")


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


async def to_wire(request: Request) -> WireRequest:
    """The request as the service takes it."""
    return WireRequest(
        method=request.method,
        path=request.url.path,
        query=parse_qsl(request.url.query, keep_blank_values=True),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
        root_url=str(request.base_url),
    )


def from_wire(status: int, headers: dict[str, str], body: bytes) -> Response:
    """The response, its headers as the service wrote them."""
    return Response(body, status, headers=headers)
