"""Batches, as Google's Python library sends and reads them, and as nobody should send them."""

from __future__ import annotations

import email
import json
import uuid
from collections.abc import Mapping
from email.generator import Generator
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from io import StringIO
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.toxicity_ml.perspective.fakes import ANALYZE, FakeEngine, FakeSite, parsed
from toxicity_ml.perspective.batch import MAX_BATCH_BYTES
from toxicity_ml.perspective.errors import Busy, Metric
from toxicity_ml.perspective.requests import AnalyzeRequest
from toxicity_ml.perspective.service import Service, ServiceOptions, WireRequest, WireResponse

BASE = uuid.uuid4()
HELLO = {"comment": {"text": "hello"}, "requestedAttributes": {"TOXICITY": {}}}


def part(name: str, body: object = HELLO, target: str = f"{ANALYZE}?key=good&alt=json") -> MIMENonMultipart:
    """One request, in the form of Google's library."""
    message = MIMENonMultipart("application", "http")
    message["Content-Transfer-Encoding"] = "binary"
    message["Content-ID"] = f"<{BASE} + {quote(name)}>"
    content = json.dumps(body)
    head = f"POST {target} HTTP/1.1\nContent-Type: application/json\ncontent-length: {len(content)}\n"
    message.set_payload(f"{head}Host: api.example\n\n{content}")
    return message


def written(*parts: MIMENonMultipart) -> tuple[str, bytes]:
    """Content-Type and body; the mail library folds long Content-IDs."""
    message = MIMEMultipart("mixed")
    setattr(message, "_write_headers", lambda generator: None)  # noqa: B010 - as Google's library does it
    for one in parts:
        message.attach(one)
    body = StringIO()
    Generator(body, mangle_from_=False).flatten(message, unixfrom=False)
    return f'multipart/mixed; boundary="{message.get_boundary()}"', body.getvalue().encode()


def send(
    site: FakeSite, content_type: str, body: bytes, *, root: str = "http://api.example/", **headers: str
) -> WireResponse:
    request = WireRequest("POST", "/batch", [], {"content-type": content_type} | headers, body, root)
    return site.service.handle(request)


def answers(response: WireResponse) -> dict[str, tuple[str, Any]]:
    """Status line and body of each part by its name, read as Google's library reads them."""
    assert response.status == 200
    head = f"content-type: {response.headers['Content-Type']}\r\n\r\n"
    message = email.message_from_string(head + response.body.decode())
    read = {}
    for one in message.get_payload():
        content_id = one["Content-ID"]
        assert content_id.startswith(f"<response-{BASE} + ") and content_id.endswith(">")
        name = unquote(content_id[1:-1].split(" + ", 1)[1])
        status, payload = one.get_payload().split("\n", 1)
        read[name] = (status.strip(), json.loads(payload.split("\r\n\r\n", 1)[1]))
    return read


NAMES = ["1", "a whole comment as the name \N{GRINNING FACE} " * 20, "x" * 3000, '+ <>"\n\t']


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_each_part_is_answered_under_its_name(line_end: bytes) -> None:
    content_type, body = written(*(part(name) for name in NAMES), part("bad", {"comment": {}}))
    assert b"+\n " in body
    site = FakeSite()
    read = answers(send(site, content_type, body.replace(b"\n", line_end)))
    assert list(read) == [*NAMES, "bad"]
    for name in NAMES:
        status, answer = read[name]
        assert status == "HTTP/1.1 200 OK"
        assert answer["attributeScores"]["TOXICITY"]["spanScores"][0]["begin"] == 0
    assert read["bad"][0] == "HTTP/1.1 400 Bad Request"
    assert read["bad"][1]["error"]["message"] == "Comment must be non-empty."
    assert site.keys.charged == [Metric.ANALYZE] * 5


TARGETS = {
    "a path": f"{ANALYZE}?key=good",
    "an address": f"http://elsewhere.example{ANALYZE}?key=good",
    "below the prefix": f"/api/perspective{ANALYZE}?key=good",
    "a quoted colon": "/v1alpha1/comments%3Aanalyze?key=good",
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_part_names_its_address_in_any_form(target: str) -> None:
    content_type, body = written(part("a", target=target))
    response = send(FakeSite(), content_type, body, root="http://api.example/api/perspective/")
    assert answers(response)["a"][0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("target", ["/batch?key=good", "/$discovery/rest", "/admin/", "http://[bad/"])
def test_a_part_reaches_nothing_but_the_two_methods(target: str) -> None:
    content_type, body = written(part("a", target=target))
    response = send(FakeSite(), content_type, body)
    assert b"HTTP/1.1 404 Not Found\r\n" in response.body


def test_keys_are_each_parts_own_or_the_batchs() -> None:
    parts = [part("own"), part("bad", target=f"{ANALYZE}?key=guess"), part("none", target=ANALYZE)]
    content_type, body = written(*parts)
    without = answers(send(FakeSite(), content_type, body))
    assert [status[9:12] for status, _ in without.values()] == ["200", "400", "403"]
    headers = {"x-goog-api-key": "good"}
    request = WireRequest("POST", "/batch", [], headers | {"content-type": content_type}, body)
    assert [status[9:12] for status, _ in answers(FakeSite().service.handle(request)).values()] == [
        "200",
        "400",
        "200",
    ]


def test_a_key_is_looked_up_once_and_charged_for_each_part() -> None:
    site = FakeSite()
    bad = f"{ANALYZE}?key=guess"
    parts = [part("a"), part("b"), part("c", target=bad), part("d", target=bad), part("e")]
    read = answers(send(site, *written(*parts)))
    assert [status[9:12] for status, _ in read.values()] == ["200", "200", "400", "400", "200"]
    assert len(site.keys.origins) == 2
    assert site.keys.charged == [Metric.ANALYZE] * 3


def test_a_part_cannot_say_where_it_comes_from() -> None:
    site = FakeSite()
    content_type, body = written(part("a"))
    body = body.replace(b"Host: api.example", b"Origin: https://trusted.example")
    send(site, content_type, body, origin="https://a.example")
    assert site.keys.origins == ["https://a.example"]


def test_an_engine_that_raises_spoils_one_part_alone() -> None:
    site = FakeSite()
    site.engine.error = RuntimeError()
    content_type, body = written(part("a"), part("b"))
    assert [status for status, _ in answers(send(site, content_type, body)).values()] == [
        "HTTP/1.1 500 Internal Server Error"
    ] * 2


MIXED = "multipart/mixed; boundary=b"
REFUSED = {
    "no content type": ("", b"--b\n\n\nPOST / HTTP/1.1\n\n--b--"),
    "no boundary": ("multipart/mixed", b"--b\n\n\nPOST / HTTP/1.1\n\n--b--"),
    "JSON": ("application/json; boundary=b", b"{}"),
    "empty": (MIXED, b""),
    "no part": (MIXED, b"--b--\r\n"),
    "another boundary": (MIXED, b"--c\r\n\r\nPOST / HTTP/1.1\r\n\r\n--c--"),
    "no request line": (MIXED, b"--b\r\nContent-Type: application/http\r\n\r\nhello\r\n--b--"),
    "no blank line": (MIXED, b"--b\r\nContent-Type: application/http\r\nPOST / HTTP/1.1\r\n--b--"),
    "nested": (
        MIXED,
        b'--b\r\nContent-Type: multipart/mixed; boundary="c"\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--',
    ),
    "bytes": (MIXED, bytes(range(256)) * 10),
    "2,000 empty parts": (MIXED, b"--b\n" * 2000),
    "10 MB of line ends": (MIXED, b"--b\r\n" + b"\r\n" * (MAX_BATCH_BYTES // 2 - 10)),
    "10 MB of folds": (MIXED, b"--b\r\nx: y" + b"\r\n " * (MAX_BATCH_BYTES // 3 - 10)),
    "10 MB of boundaries": (MIXED, b"--b\r\n" * (MAX_BATCH_BYTES // 5)),
    "10 MB of headers": (MIXED, b"--b\r\n" + b"a:\r\n" * (MAX_BATCH_BYTES // 4 - 10)),
}


@pytest.mark.parametrize(("content_type", "body"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_batch_is_refused_in_the_envelope(content_type: str, body: bytes) -> None:
    response = send(FakeSite(), content_type, body)
    error = parsed(response)["error"]
    assert (response.status, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert "hello" not in error["message"]


def test_more_parts_or_bytes_than_allowed_are_refused() -> None:
    site = FakeSite(service_options=ServiceOptions(max_batch_parts=2))
    content_type, body = written(part("a"), part("b"))
    assert send(site, content_type, body).status == 200
    content_type, body = written(part("a"), part("b"), part("c"))
    refused = send(site, content_type, body)
    assert refused.status == 400
    assert "2 parts" in parsed(refused)["error"]["message"]
    too_long = send(site, MIXED, b"x" * (MAX_BATCH_BYTES + 1))
    assert (too_long.status, parsed(too_long)["error"]["code"]) == (413, 413)


def test_a_part_without_a_name_is_answered_without_one() -> None:
    body = b"--b\r\n\r\nPOST " + ANALYZE.encode() + b"?key=good HTTP/1.1\r\n\r\n" + json.dumps(HELLO).encode()
    response = send(FakeSite(), MIXED, body + b"\r\n--b--\r\n")
    assert b"HTTP/1.1 200 OK" in response.body
    assert b"Content-ID" not in response.body


def test_a_name_puts_no_other_header_into_the_answer() -> None:
    content_type, body = written(part("a"))
    body = body.replace(f"<{BASE} + a>".encode(), b"<x\rSet-Cookie: y\x0b>")
    response = send(FakeSite(), content_type, body)
    assert b"Content-ID: <response-xSet-Cookie: y>\r\n" in response.body


class BusyAtFirst(FakeEngine):
    """Busy for as many calls as it is told, then as fast as ever."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def analyze(self, request: AnalyzeRequest, caller: Any) -> Mapping[str, object]:
        self.times -= 1
        if self.times >= 0:
            raise Busy
        return super().analyze(request, caller)


def busy_site(times: int, **options: Any) -> FakeSite:
    site = FakeSite()
    site.engine = BusyAtFirst(times)
    site.service = Service(site.keys, site.engine, site.suggestions, ServiceOptions(**options))
    return site


def test_a_part_waits_for_a_busy_engine_and_is_charged_once() -> None:
    site = busy_site(3)
    read = answers(send(site, *written(part("one"), part("two"))))
    assert [status for status, _ in read.values()] == ["HTTP/1.1 200 OK"] * 2
    assert site.keys.charged == [Metric.ANALYZE] * 2
    single = busy_site(1)
    assert single.post(HELLO).status == 503


def test_parts_of_a_batch_whose_time_is_over_are_refused_and_not_charged() -> None:
    site = busy_site(1_000_000, batch_seconds=0.1)
    read = answers(send(site, *written(part("one"), part("two"), part("three"))))
    assert [body["error"]["status"] for _, body in read.values()] == ["UNAVAILABLE"] * 3
    assert len(site.keys.charged) == 1


def test_each_part_takes_its_turn() -> None:
    turns: list[str] = []

    class Turn:
        def __enter__(self) -> None:
            turns.append("begin")

        def __exit__(self, *_: object) -> None:
            turns.append("end")

    send(busy_site(0, part_turn=Turn()), *written(part("one"), part("two")))
    assert turns == ["begin", "end"] * 2
