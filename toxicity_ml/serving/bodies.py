"""Refuses a request body that is too large or too slow while it arrives, whatever its Content-Length says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

USUAL_BYTES = 1024 * 1024
"""A body that is larger counts as a large one."""
MAX_LARGE = 8
"""Large bodies that are in memory at a time."""
SECONDS = 60.0
"""That a body may take to arrive."""
DRAINED_BYTES = 32 * 1024 * 1024
DRAIN_SECONDS = 5.0
"""How much of a refused body is read and thrown away, and for how long. A connection that is closed with
something unread is reset, and its sender reads no answer."""
TOO_LARGE, BUSY = 413, 503


class LimitBody:
    """ASGI middleware: reads the body of each request; answers 413 where it is too large.

    Of bodies over USUAL_BYTES it keeps MAX_LARGE at a time, and answers 503 to one more. A body that does not
    arrive in time is answered with 503, too.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: Callable[[str], int], refuse: Callable[[Scope, int], Response]
    ) -> None:
        """max_bytes: of an address. refuse: makes the answer with a status of TOO_LARGE or BUSY."""
        self._app = app
        self._max_bytes = max_bytes
        self._refuse = refuse
        self._large = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body()
        try:
            status = await self._read(body, scope, receive)
            if status is not None:
                if not _waits_for_leave(scope):
                    await _drain(body, receive)
                refusal = self._refuse(scope, status)
                refusal.headers["Connection"] = "close"
                await refusal(scope, receive, send)
                return
            await self._app(scope, body.replayed(receive), send)
        finally:
            self._large -= body.is_large

    async def _read(self, body: _Body, scope: Scope, receive: Receive) -> int | None:
        """Read the body; the status of a refusal where that is not possible."""
        most = self._max_bytes(scope["path"])
        if _announced(scope) > most:
            return TOO_LARGE
        try:
            async with asyncio.timeout(SECONDS):
                while not body.is_whole:
                    message = await receive()
                    body.add(message)
                    if body.is_cut_off:
                        return BUSY  # nobody reads it
                    if body.length > most:
                        return TOO_LARGE
                    if not self._has_room(body):
                        return BUSY
        except TimeoutError:
            return BUSY
        return None

    def _has_room(self, body: _Body) -> bool:
        """True where the body is of the usual size, or may be a large one."""
        if body.length > USUAL_BYTES and not body.is_large:
            if self._large >= MAX_LARGE:
                return False
            self._large += 1
            body.is_large = True
        return True


class _Body:
    """What has arrived of a body."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.length = 0
        self.is_whole = False
        self.is_cut_off = False
        self.is_large = False

    def add(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self.is_whole = self.is_cut_off = True
            return
        part = message.get("body", b"")
        self.length += len(part)
        self._parts.append(part)
        self.is_whole = not message.get("more_body", False)

    def forget(self) -> None:
        self._parts.clear()

    def replayed(self, receive: Receive) -> Receive:
        """What the application receives: the whole body in one message, then what follows."""
        is_read = False

        async def replay() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            content = b"".join(self._parts)
            self._parts.clear()
            return {"type": "http.request", "body": content, "more_body": False}

        return replay


async def _drain(body: _Body, receive: Receive) -> None:
    """Read the rest of a refused body, within bounds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while not body.is_whole and body.length <= DRAINED_BYTES:
                body.forget()
                body.add(await receive())
    body.forget()


def _waits_for_leave(scope: Scope) -> bool:
    """True where the client sends its body only once it is told to (Expect: 100-continue)."""
    return any(name == b"expect" for name, _ in scope["headers"])


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
