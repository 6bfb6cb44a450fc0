"""Refuses a request body that is too large while it arrives, whatever its Content-Length says."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toxicity_ml.serving.problems import problem


class LimitBody:
    """ASGI middleware: answers 413 once a request has brought more than `most` bytes."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._read(scope, receive)
        if body is None:
            refusal = problem(413, "too-large", f"A request may have {self._most:,} bytes.")
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        is_read = False

        async def replay() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None where it is too large or its sender is gone."""
        if _announced(scope) > self._most:
            return None
        parts: list[bytes] = []
        length = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            part = message.get("body", b"")
            length += len(part)
            if length > self._most:
                return None
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
