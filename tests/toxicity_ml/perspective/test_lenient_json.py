"""Bodies as they are sent in the wild, and bodies that are sent to do harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml.perspective.errors import WireError
from toxicity_ml.perspective.lenient_json import LENIENT_BYTES, MAX_DEPTH, parse

READ = {
    "unquoted keys": (b'{comment: {text: "hi"}}', {"comment": {"text": "hi"}}),
    "a name with a version": (b"{TOXICITY@6: {}}", {"TOXICITY@6": {}}),
    "single quotes": (b"{'a': 'it\"s'}", {"a": 'it"s'}),
    "trailing commas": (b'{"a": [1, 2,],}', {"a": [1, 2]}),
    "a raw line break": (b'{"a": "one\r\ntwo"}', {"a": "one\r\ntwo"}),
    "a raw control character": (b'{"a": "one\x01\ttwo"}', {"a": "one\x01\ttwo"}),
    "quotation marks in a text": (
        b'{comment: {text: "She said "go, away", and: left"}, languages: ["en"]}',
        {"comment": {"text": 'She said "go, away", and: left'}, "languages": ["en"]},
    ),
    "a list after such a text": (b'{a: ["x "y" z", "w"]}', {"a": ['x "y" z', "w"]}),
    "an escape that JSON lacks": (b'{a: "\\o/ \\n \\u00e9"}', {"a": "\\o/ \n \u00e9"}),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    "equal keys": (b'{"a": 1, "a": 2}', {"a": 2}),
    "equal keys, unquoted": (b"{a: 1, a: 2}", {"a": 2}),
    "numbers": (
        b"{a: -1, b: 0.5, c: .5, d: 1e2, e: 1.}",
        {"a": -1, "b": 0.5, "c": 0.5, "d": 100.0, "e": 1.0},
    ),
    "literals": (b"{a: true, b: false, c: null}", {"a": True, "b": False, "c": None}),
    "half of a surrogate pair": (b'{"a": "x\\ud83dy"}', {"a": "x\ufffdy"}),
    "half of a pair as a key": (b'{"\\ude00": 1}', {"\ufffd": 1}),
    "both halves": (b'{"a": "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
    "both halves, unquoted key": (b'{a: "\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
    "a huge integer": (b'{"a": 1' + b"0" * 30 + b"}", {"a": 1e30}),
    "nothing": (b"", {}),
    "white space": (b" \r\n", {}),
}


@pytest.mark.parametrize(("body", "value"), READ.values(), ids=READ)
def test_a_body_is_read_as_it_is_meant(body: bytes, value: object) -> None:
    assert parse(body) == value


REFUSED = {
    "a list": b"[]",
    "a string": b'"text"',
    "bad encoding": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a surrogate in UTF-8": b'{"a": "\xed\xa0\xbd"}',
    "NaN": b'{"a": NaN}',
    "NaN, unquoted key": b"{a: NaN}",
    "infinity": b'{"a": -Infinity}',
    "a number beyond floats": b'{"a": 1e999}',
    "an integer beyond floats": b'{"a": ' + b"9" * 5000 + b"}",
    "one level too deep": b"{a:" * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "one level too deep, strict": b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
    "100,000 lists": b"[" * 100_000,
    "100,000 objects": b'{"a":' * 100_000,
    "a text without end": b'{a: "' + b'"' * 1000,
    "more after the end": b"{a: 1} b",
    "no colon": b"{a 1}",
    "no comma": b"{a: 1 b: 2}",
    "two commas": b"{a: 1,, b: 2}",
    "an unquoted text": b"{a: hello}",
    "only a bracket": b"{",
    "too long to be read leniently": b'{a: "' + b"x" * LENIENT_BYTES + b'"}',
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_is_no_object_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(WireError) as raised:
        parse(body)
    assert raised.value.code == 400
    assert raised.value.message.startswith("Invalid JSON payload received. ")
    assert "hello" not in raised.value.message


def test_the_deepest_nesting_is_read() -> None:
    for key in ("a", '"a"'):
        body = f"{{{key}:" * MAX_DEPTH + "1" + "}" * MAX_DEPTH
        assert parse(body.encode())


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda values: st.lists(values) | st.dictionaries(TEXT, values),
    max_leaves=20,
)


@given(st.dictionaries(TEXT, JSON), st.booleans())
def test_json_is_read_as_json(value: dict[str, object], ascii_only: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\\')))
def test_any_text_without_quotation_marks_may_be_pasted_in(text: str) -> None:
    assert parse(f'{{comment: {{text: "{text}"}}}}'.encode()) == {"comment": {"text": text}}
