"""Serves a worker's HTTP port: `/metrics` for Prometheus, `/healthz` for what supervises the process.

Off unless MODERATION["METRICS_PORT"] is set. It is served on threads of the worker process; with the pool
`prefork` by the parent, which scores nothing and shows its children's counts.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.db import connections

from moderation import metrics
from moderation.conf import conf
from moderation.monitoring import figures
from moderation.monitoring.exposition import counted, has_token, render

logger = logging.getLogger("moderation.monitoring")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing: scrapers may hang up at any time, and a traceback could quote more than it should."""
        logger.debug("A request to the metrics port failed.")


class _Handler(BaseHTTPRequestHandler):
    server_version = "moderation"
    sys_version = ""
    timeout = 10
    """Seconds in which a client must have asked."""

    def do_GET(self) -> None:
        """Answer one request, and keep no database connection."""
        try:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                self._healthz()
            elif path == "/metrics":
                self._metrics()
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"/metrics and /healthz are here.\n")
        finally:
            connections.close_all()  # this thread's own

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a line for each scrape would drown the rest."""

    def _metrics(self) -> None:
        if conf.METRICS_TOKEN and not has_token(self.headers.get("Authorization", "")):
            self._answer(HTTPStatus.FORBIDDEN, b"Send the bearer token of METRICS_TOKEN.\n")
            return
        body, content_type = render(self.headers.get("Accept", ""))
        self._answer(HTTPStatus.OK, body, content_type)

    def _healthz(self) -> None:
        """Answer whether the loop goes round. No restart mends a database or a model, so they don't count."""
        age = heartbeat_age()
        is_alive = age is not None and age <= figures.alive_within()
        status = "ok" if is_alive else "starting" if age is None else "stuck"
        body = json.dumps({"status": status, "heartbeat_age_seconds": age}).encode()
        code = HTTPStatus.OK if is_alive else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(code, body, "application/json")

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def heartbeat_age() -> float | None:
    """Return the seconds since a loop of this process, or of a child, went round; None: never so far."""
    name = metrics.PREFIX + "worker_heartbeat_timestamp_seconds"
    seen = [sample.value for metric in counted() if metric.name == name for sample in metric.samples]
    latest = max(seen, default=0.0)
    return round(max(0.0, time.time() - latest), 1) if latest else None


def open_port(*, is_prefork: bool = False) -> None:
    """Serve MODERATION["METRICS_PORT"] where that is set. A port that is taken is only logged."""
    global _server
    if conf.METRICS_PORT is None or _server is not None:
        return
    address = (conf.METRICS_ADDRESS, conf.METRICS_PORT)
    try:
        _Server.address_family = socket.AF_INET6 if ":" in conf.METRICS_ADDRESS else socket.AF_INET
        _server = _Server(address, _Handler)
    except OSError as error:
        logger.error(
            "The metrics port %d can't be opened (%s); this worker screens all the same.",
            conf.METRICS_PORT,
            type(error).__name__,
        )
        return
    threading.Thread(target=_server.serve_forever, name="moderation-metrics", daemon=True).start()
    logger.info("Metrics are served at http://%s:%d/metrics.", *address)
    if is_prefork and not metrics.is_multiprocess():
        logger.warning(
            "With --pool prefork the metrics port shows what the database knows, but not what the children "
            "count: set PROMETHEUS_MULTIPROC_DIR to an empty folder before the worker starts."
        )


def leave_to_parent() -> None:
    """In a child of `prefork`: let go of the socket, or the port stays taken when the parent dies."""
    global _server
    if _server is not None:
        _server.socket.close()
        _server = None


def close_port() -> None:
    """Stop serving."""
    global _server
    if _server is not None:
        _server.shutdown()
        _server.server_close()
        _server = None


_server: _Server | None = None
