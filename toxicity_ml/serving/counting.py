"""Counts and logs each answer: endpoint, status and time, and nothing of what the request brought."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from toxicity_ml.serving.metrics import OTHER, ServerMetrics

logger = logging.getLogger(__name__)


class CountAnswers:
    """ASGI middleware: one count and one line in the log for each answer."""

    def __init__(self, app: ASGIApp, metrics: ServerMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            endpoint = getattr(scope.get("route"), "path", OTHER)
            seconds = time.perf_counter() - began
            self._metrics.count(endpoint, status, seconds)
            logger.info("%s %s %d %.0f ms", scope["method"], endpoint, status, 1000 * seconds)
