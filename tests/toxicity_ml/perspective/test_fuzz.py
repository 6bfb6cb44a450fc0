"""Whatever is sent, the service answers in Google's forms, and never with a fault of its own."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.toxicity_ml.perspective.fakes import ANALYZE, SUGGEST, FakeSite
from tests.toxicity_ml.perspective.hostile import FIELDS
from toxicity_ml.perspective.analysis import AnalysisOptions
from toxicity_ml.perspective.service import WireRequest, WireResponse

TEXT = st.text(max_size=30)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(["HTML", "PLAIN_TEXT", "PROBABILITY", "en", "\ud83d", "1e999", "NaN", "You moron. Hi."])
)
VALUES = st.recursive(
    LEAVES,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(FIELDS | TEXT, values, max_size=6),
    max_leaves=30,
)


def checked(response: WireResponse) -> None:
    """The answer is a page of 404, JSON in the envelope of its status, or one of the two methods' own."""
    assert response.status in (200, 204, 400, 403, 404, 405, 413, 429)
    assert all(name.isprintable() and str(value).isprintable() for name, value in response.headers.items())
    if response.headers.get("Content-Type", "").startswith("application/json"):
        value = json.loads(response.body)
        assert ("error" in value) == (response.status != 200)
        assert response.status == 200 or value["error"]["code"] == response.status


def site() -> FakeSite:
    return FakeSite(AnalysisOptions(strip_html=True))


@given(VALUES, st.sampled_from([ANALYZE, SUGGEST]))
def test_any_json_is_answered(value: object, path: str) -> None:
    checked(site().post(json.dumps(value).encode(), path))


@given(
    st.fixed_dictionaries(
        {"comment": st.fixed_dictionaries({"text": st.text(min_size=1)}, optional={"type": LEAVES})},
        optional={
            "requestedAttributes": st.dictionaries(
                st.sampled_from(["TOXICITY", "INSULT@2", "SPAM"]), VALUES, min_size=1
            ),
            "attributeScores": st.dictionaries(TEXT, VALUES, min_size=1),
            "languages": VALUES,
            "spanAnnotations": st.booleans(),
            "clientToken": LEAVES,
            "context": VALUES,
            "dropUnsupportedAttributes": st.booleans(),
        },
    ),
    st.sampled_from([ANALYZE, SUGGEST]),
)
def test_nearly_right_requests_are_answered(value: object, path: str) -> None:
    checked(site().post(json.dumps(value).encode(), path))


WORDS = rb"""{ } [ ] , : " ' \ a comment text 1 - 1e9999 null NaN \u \ud83d {a: {"a": {comment:{text:" "}}"""
PIECES = st.sampled_from([*WORDS.split(), b" ", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf"])


@given(st.lists(PIECES, max_size=60).map(b"".join) | st.binary(), st.sampled_from([ANALYZE, SUGGEST]))
def test_any_bytes_are_answered(body: bytes, path: str) -> None:
    checked(site().post(body, path))


BATCH_LINES = rb"""
--b
--b--
Content-ID: <x + y>
Content-Type: application/http
Content-Type: multipart/mixed; boundary=b
POST /v1alpha1/comments:analyze?key=good HTTP/1.1
POST http://[x HTTP/1.1
GET / HTTP/9
{"comment":{"text":"hi"},"requestedAttributes":{"TOXICITY":{}}}
"""
BATCH_ENDS = [b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\r", b"\x00", b"\xff", b"+", b"\t"]
BATCH_PIECES = st.sampled_from([*BATCH_LINES.strip().split(b"\n"), *BATCH_ENDS])
CONTENT_TYPES = st.sampled_from(["multipart/mixed; boundary=b", 'multipart/mixed; boundary="b"'])


@given(CONTENT_TYPES | TEXT, st.lists(BATCH_PIECES, max_size=40).map(b"".join) | st.binary())
def test_any_batch_is_answered(content_type: str, body: bytes) -> None:
    request = WireRequest("POST", "/batch", [], {"content-type": content_type}, body)
    checked(site().service.handle(request))


@given(
    st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "PUT", "\ud83d"]),
    st.sampled_from(["/batch", "/$discovery/rest", ANALYZE]) | TEXT,
    st.lists(st.tuples(st.sampled_from(["key", "alt", "prettyPrint", "version"]) | TEXT, TEXT), max_size=4),
    st.dictionaries(
        st.sampled_from(
            ["origin", "referer", "authorization", "access-control-request-headers", "content-type"]
        ),
        TEXT,
    ),
)
def test_any_address_and_header_is_answered(
    method: str, path: str, query: list[tuple[str, str]], headers: dict[str, str]
) -> None:
    checked(site().service.handle(WireRequest(method, path, query, headers, b"{}")))
