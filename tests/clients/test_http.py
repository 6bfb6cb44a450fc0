"""Requests in the forms in which HTTP lets them come, byte by byte over a socket."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Any

from tests.clients.servers import HOST, RunningServer

SECONDS = 30
CONTENT = json.dumps(
    {"comment": {"text": "You are a moron."}, "requestedAttributes": {"TOXICITY": {}}, "languages": ["en"]}
).encode()
CURL_SAMPLE = (
    b'{comment: {text: "You are a \'moron\'."}, languages: ["en"], requestedAttributes: {TOXICITY:{}} }'
)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """One connection, on which what is sent is written out in full."""

    def __init__(self, server: RunningServer) -> None:
        self._socket = socket.create_connection((HOST, server.port), timeout=SECONDS)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self._socket.sendall(part)

    def read(self) -> Answer:
        """Read one answer, and leave the connection at the next."""
        status = int(self._file.readline().split()[1])
        headers = {}
        while line := self._file.readline().strip().decode("latin-1"):
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if status < 200:
            return Answer(status, headers, b"")
        length = headers.get("content-length")
        return Answer(status, headers, self._file.read() if length is None else self._file.read(int(length)))

    @property
    def is_closed(self) -> bool:
        """True where the server has closed it."""
        return self._file.read(1) == b""


def head(server: RunningServer, *lines: str, version: str = "1.1", method: str = "POST") -> bytes:
    """A request line and headers for `comments:analyze`."""
    first = f"{method} {server.analyze_path} HTTP/{version}"
    return "\r\n".join([first, f"Host: {HOST}:{server.port}", *lines, "", ""]).encode()


def score(answer: Answer) -> float:
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json; charset=UTF-8"
    assert re.match(rb'\{\s*"attributeScores"', answer.body)
    return float(answer.json["attributeScores"]["TOXICITY"]["summaryScore"]["value"])


def ask(server: RunningServer, request: bytes, *parts: bytes) -> Answer:
    with Connection(server) as connection:
        connection.send(request, *parts)
        return connection.read()


def test_a_body_without_a_content_type_is_read(server: RunningServer) -> None:
    assert score(ask(server, head(server, f"Content-Length: {len(CONTENT)}"), CONTENT)) > 0.5


def test_a_body_is_read_whatever_its_content_type(server: RunningServer) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain;charset=UTF-8", "nonsense"):
        lines = (f"Content-Length: {len(CURL_SAMPLE)}", f"Content-Type: {content_type}")
        assert score(ask(server, head(server, *lines), CURL_SAMPLE)) > 0.5


def test_a_body_may_come_in_chunks(server: RunningServer) -> None:
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (CONTENT[:10], CONTENT[10:])]
    answer = ask(server, head(server, "Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n")
    assert score(answer) > 0.5


def test_http_1_0_is_answered_and_closed(server: RunningServer) -> None:
    with Connection(server) as connection:
        connection.send(head(server, f"Content-Length: {len(CONTENT)}", version="1.0"), CONTENT)
        assert score(connection.read()) > 0.5
        assert connection.is_closed


def test_a_client_that_waits_for_leave_to_send_gets_it(server: RunningServer) -> None:
    with Connection(server) as connection:
        connection.send(head(server, f"Content-Length: {len(CONTENT)}", "Expect: 100-continue"))
        assert connection.read().status == 100
        connection.send(CONTENT)
        assert score(connection.read()) > 0.5


def test_a_connection_serves_one_request_after_the_other(server: RunningServer) -> None:
    request = head(server, f"Content-Length: {len(CONTENT)}")
    bad = b"{"
    with Connection(server) as connection:
        for _ in range(3):
            connection.send(request, CONTENT)
            assert score(connection.read()) > 0.5
            connection.send(head(server, f"Content-Length: {len(bad)}"), bad)
            assert connection.read().json["error"]["status"] == "INVALID_ARGUMENT"
        connection.send(request + CONTENT + request + CONTENT)
        assert score(connection.read()) == score(connection.read())


def test_a_page_of_another_site_may_ask(server: RunningServer) -> None:
    lines = (
        "Origin: https://blog.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
    )
    allowed = ask(server, head(server, *lines, method="OPTIONS"))
    assert allowed.status == 204
    assert allowed.headers["access-control-allow-headers"] == "content-type"
    answer = ask(server, head(server, lines[0], f"Content-Length: {len(CONTENT)}"), CONTENT)
    assert score(answer) > 0.5
    assert answer.headers["access-control-allow-origin"] == "*"


def test_no_address_is_redirected(server: RunningServer) -> None:
    for path in ("v1alpha1/comments:analyze/", "v1alpha1/comments:analyse", "v1alpha1"):
        request = head(server, "Content-Length: 0").replace(b"v1alpha1/comments:analyze", path.encode(), 1)
        assert ask(server, request).status == 404
    encoded = head(server, f"Content-Length: {len(CONTENT)}").replace(b":analyze", b"%3Aanalyze", 1)
    assert score(ask(server, encoded, CONTENT)) > 0.5


def test_a_body_of_ten_megabytes_is_refused_in_the_envelope(server: RunningServer) -> None:
    large = b"a" * 10_000_000
    answer = ask(server, head(server, f"Content-Length: {len(large)}"), large)
    assert answer.status == answer.json["error"]["code"] == 413
    assert answer.headers["access-control-allow-origin"] == "*"
