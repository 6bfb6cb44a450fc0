"""Requests that nobody should send: strategies that make them, and large ones by name."""

from __future__ import annotations

import json

from hypothesis import strategies as st

FIELDS = st.sampled_from(
    [
        *("comment", "text", "type", "requestedAttributes", "TOXICITY", "scoreType", "scoreThreshold"),
        *("languages", "spanAnnotations", "clientToken", "context", "entries", "articleAndParentComment"),
        *("attributeScores", "summaryScore", "spanScores", "begin", "end", "score", "value", "doNotStore"),
    ]
)
WORDS = st.text(st.characters(), max_size=20)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | WORDS
    | st.sampled_from(["HTML", "PLAIN_TEXT", "PROBABILITY", "en", "\x00", "1e999", "NaN", "You moron. Hi."])
)
VALUES = st.recursive(
    LEAVES,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(FIELDS | WORDS, values, max_size=6),
    max_leaves=20,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "comment": st.fixed_dictionaries({"text": WORDS | LEAVES}, optional={"type": LEAVES}) | VALUES,
        "requestedAttributes": st.dictionaries(st.sampled_from(["TOXICITY", "INSULT@2", "SPAM"]), VALUES),
        "attributeScores": st.dictionaries(WORDS, VALUES, min_size=1),
        "languages": VALUES,
        "spanAnnotations": LEAVES,
        "clientToken": LEAVES,
        "communityId": LEAVES,
        "context": VALUES,
        "doNotStore": LEAVES,
    },
).map(lambda value: json.dumps(value).encode())
"""JSON that looks like a request."""

_PIECES = (
    rb"""{ } [ ] , : " ' \ a comment text 1 - 1e9999 null NaN \u \ud83d {a: {"a": {comment:{text:" "}}"""
)
BODIES = (
    st.lists(
        st.sampled_from([*_PIECES.split(), b" ", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe"]),
        max_size=40,
    ).map(b"".join)
    | st.binary(max_size=200)
    | VALUES.map(lambda value: json.dumps(value).encode("utf-16"))
)
"""What is hardly JSON."""

_LINES = rb"""
--b
--b--
Content-ID: <x + y>
Content-Type: application/http
Content-Type: multipart/mixed; boundary=b
POST /v1alpha1/comments:analyze HTTP/1.1
POST /batch HTTP/1.1
POST http://[x HTTP/1.1
GET /$discovery/rest HTTP/9
{"comment":{"text":"hi"},"requestedAttributes":{"TOXICITY":{}}}
"""
_ENDS = [b"\r\n", b"\n", b"\r\n\r\n", b" ", b"\r", b"\x00", b"\xff", b"+", b"\t"]
BATCHES = st.tuples(
    st.sampled_from(["multipart/mixed; boundary=b", 'multipart/mixed; boundary="b"', "multipart/mixed", "b"]),
    st.lists(st.sampled_from([*_LINES.strip().split(b"\n"), *_ENDS]), max_size=30).map(b"".join),
)
"""Content type and body of what is hardly a batch."""

HEADERS = st.dictionaries(
    st.sampled_from(["origin", "referer", "authorization", "x-goog-api-key", "accept"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
)

_MEGABYTE = 1_000_000
_MULTIPART = "multipart/mixed; boundary=b"
_PART = b"--b\n\nPOST /v1alpha1/comments:analyze HTTP/1.1\n\n{}\n"
LARGE = {
    "ten megabytes of one letter": (b"a" * 10 * _MEGABYTE, "text/plain"),
    "brackets": (b"[" * 2 * _MEGABYTE, "text/plain"),
    "objects in objects": (b'{"a":' * 400_000, "text/plain"),
    "quotes": (b'{comment: {text: "' + b'"' * 2 * _MEGABYTE, "text/plain"),
    "escapes": (b'{comment: {text: "' + b"\\" * 2 * _MEGABYTE, "text/plain"),
    "white space": (b" " * 2 * _MEGABYTE + b"x", "text/plain"),
    "many fields": (json.dumps({f"a{number}": 1 for number in range(100_000)}).encode(), "text/plain"),
    "a number of a million digits": (b'{"comment": ' + b"9" * _MEGABYTE + b"}", "text/plain"),
    "a batch of one delimiter": (b"--b\n" * 500_000, _MULTIPART),
    "a batch of too many parts": (_PART * 5_000 + b"--b--", _MULTIPART),
    "a batch of a header without end": (b"--b\nContent-ID: <" + b"\n a" * 600_000, _MULTIPART),
    "a batch without its delimiter": (b"--a\n\n" * 400_000, _MULTIPART),
}
"""{name: (body, content type)}"""
