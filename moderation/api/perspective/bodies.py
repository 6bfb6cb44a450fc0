"""Reads a request's body: also one that comes in chunks, and to its end where it is refused."""

from __future__ import annotations

import time
from typing import Protocol

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

DRAINED_BYTES = 32 * 1024 * 1024
DRAIN_SECONDS = 5.0
"""How much of a refused body is read and thrown away, and for how long. A connection that is closed with
something unread is reset, and its sender reads no answer."""
PIECE_BYTES = 64 * 1024


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


def read_body(request: HttpRequest) -> bytes:
    """The body of a request. Raises RequestDataTooBig and UnreadablePostError.

    Django takes a WSGI request without a Content-Length for one without a body; where the server marks the
    end of the stream, what comes in chunks is read all the same.
    """
    chunked = _chunked(request)
    try:
        if chunked is not None:
            return _read(chunked)
        return request.body
    except RequestDataTooBig:
        _drain(chunked or request)
        raise


def max_bytes() -> int:
    """The longest body that the site takes."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or DRAINED_BYTES)


def _chunked(request: HttpRequest) -> Readable | None:
    """The stream of a body in chunks; None where Django reads the body by itself."""
    if request.META.get("CONTENT_LENGTH") or not request.META.get("wsgi.input_terminated"):
        return None
    stream: Readable | None = request.META.get("wsgi.input")
    return stream


def _read(stream: Readable) -> bytes:
    pieces = []
    left = max_bytes()
    try:
        while piece := stream.read(PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise RequestDataTooBig
            pieces.append(piece)
    except OSError as error:
        raise UnreadablePostError(*error.args) from error
    return b"".join(pieces)


def _drain(stream: Readable) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    left = DRAINED_BYTES
    try:
        while left > 0 and time.monotonic() < deadline and (piece := stream.read(PIECE_BYTES)):
            left -= len(piece)
    except OSError:
        return  # its sender is gone
