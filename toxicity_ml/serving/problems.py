"""Says in JSON what was wrong with a request (RFC 9457), without a word of the text that it brought."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An answer with status, title, code and detail. code: for programs, stays; detail: for people."""
    content = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    return JSONResponse(
        {**content, "detail": detail}, status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )
