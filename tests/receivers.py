"""Real receivers of webhooks, over HTTPS, on a port of this machine: what arrives, and how they behave."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CERTIFICATE = Path(__file__).with_name("receiver.pem")
"""Of receiver.example and other.example, signed by itself, with its key."""
NAME = "receiver.example"


@dataclass
class Request:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What a receiver has seen, and what it answers."""

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """What clients asked for in the TLS handshake."""
    status: int = 204
    answer_headers: dict[str, str] = field(default_factory=dict)
    before_answering: Callable[[], object] = lambda: None

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/hook?token=t0p"


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver."""
    seen = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.requests.append(Request(self.path, dict(self.headers), body))
            seen.before_answering()
            self.send_response(seen.status)
            for name, value in seen.answer_headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients may hang up."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    context.sni_callback = lambda _, name, __: seen.names.append(name)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    seen.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@contextmanager
def trickling(chunk: bytes, apart: float) -> Iterator[int]:
    """Run a server that sends a byte now and then and never ends an answer; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        try:
            plain, _ = listener.accept()
            with plain:
                while not is_over.is_set():
                    plain.sendall(chunk)
                    time.sleep(apart)
        except OSError:
            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        is_over.set()
        listener.close()
        thread.join(10)
