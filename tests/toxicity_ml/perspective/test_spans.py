"""Sentences, and their places in UTF-16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.toxicity_ml.perspective.fakes import FakeSite, spans
from toxicity_ml.perspective.spans import MAX_SENTENCES, sentences, utf16_length, whole

SPLIT = {
    "capitals": ("Go away. You bore me!", ["Go away.", "You bore me!"]),
    "small letters": ("lol. go away. pls", ["lol.", "go away.", "pls"]),
    "lines": ("no stop\nnew line\n\nanother", ["no stop", "new line", "another"]),
    "a title": ("Dr. Jones is right. Prof. Li is not.", ["Dr. Jones is right.", "Prof. Li is not."]),
    "an initial": (
        "J. Jones is right. So am I. You are not.",
        ["J. Jones is right.", "So am I.", "You are not."],
    ),
    "an abbreviation": ("See e.g. the U.S. budget. Silly.", ["See e.g. the U.S. budget.", "Silly."]),
    "numbers and addresses": ("It costs 3.50 at a.example/b.html today. Buy.", None),
    "a list": ("1. Read it. 2. Go.", ["1. Read it.", "2. Go."]),
    "an ellipsis before a small letter": ("well... maybe", ["well... maybe"]),
    "an ellipsis before a capital": ("Well... No.", ["Well...", "No."]),
    "quoted": ('He said "Go away." I went.', ['He said "Go away."', "I went."]),
    "runs": ("What?!! no!!! ok", ["What?!!", "no!!!", "ok"]),
    "signs alone": ("Hi. :) \N{GRINNING FACE}\nBye. !!!", ["Hi. :) \N{GRINNING FACE}", "Bye. !!!"]),
    "signs first": ("\N{GRINNING FACE}\n... hi. bye", ["\N{GRINNING FACE}\n... hi.", "bye"]),
    "Chinese": ("\u4f60\u597d\u3002\u8d70\u5f00\uff01", ["\u4f60\u597d\u3002", "\u8d70\u5f00\uff01"]),
    "Hindi": (
        "\u0939\u093e\u0901\u0964 \u0928\u0939\u0940\u0902\u0964",
        ["\u0939\u093e\u0901\u0964", "\u0928\u0939\u0940\u0902\u0964"],
    ),
    "Arabic": ("\u0644\u0627\u061f \u0646\u0639\u0645", ["\u0644\u0627\u061f", "\u0646\u0639\u0645"]),
    "white space around": ("  one.  two. \t", ["one.", "two."]),
}


@pytest.mark.parametrize(("text", "parts"), SPLIT.values(), ids=SPLIT)
def test_a_text_is_split_where_people_end_sentences(text: str, parts: list[str] | None) -> None:
    expected = parts or ["It costs 3.50 at a.example/b.html today.", "Buy."]
    assert [span.text for span in sentences(text)] == expected


def test_offsets_are_utf16_code_units() -> None:
    answer = FakeSite().analyze("\N{GRINNING FACE} Lovely photo. You are a moron.", spanAnnotations=True)
    assert spans(answer) == [(0, 16), (17, 33)]
    values = [one["score"]["value"] for one in answer["attributeScores"]["TOXICITY"]["spanScores"]]
    assert values == [0.1, 0.9]


def test_equal_sentences_have_spans_of_their_own() -> None:
    answer = FakeSite().analyze("Go away.\r\nGo away.", spanAnnotations=True)
    assert spans(answer) == [(0, 8), (10, 18)]


def test_without_annotations_one_span_covers_the_text_and_its_begin_is_printed() -> None:
    answer = FakeSite().analyze(" \N{GRINNING FACE} Hi. Bye. ")
    [span] = answer["attributeScores"]["TOXICITY"]["spanScores"]
    assert span == {"begin": 0, "end": 13, "score": {"value": 0.1, "type": "PROBABILITY"}}


HOSTILE = {
    "dots": "." * 20_480,
    "dots before a letter": "." * 20_479 + "x",
    "quotation marks": '."' * 10_240,
    "spaced dots": ". " * 10_240,
    "initials": "A." * 10_240,
    "line breaks": "\n" * 20_480,
    "spaces": "a." + " " * 20_000 + "b",
    "emoji": "\N{GRINNING FACE}. " * 3_400,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_text_of_signs_has_few_spans(text: str) -> None:
    assert len(sentences(text)) <= 2


def test_sentences_beyond_the_bound_are_taken_together() -> None:
    text = "Go. " * 5000
    together = sentences(text)
    assert len(together) == MAX_SENTENCES
    assert (together[0].begin, together[-1].end) == (0, utf16_length(text) - 1)


@given(
    st.text(
        st.sampled_from(" .!?\n\r\u2028\u00a0\"')aI1\u3002\u0964\N{GRINNING FACE}\x00\x1c\ufeff")
        | st.characters()
    )
)
def test_spans_are_in_order_apart_not_empty_and_leave_out_white_space_alone(text: str) -> None:
    units = text.encode("utf-16-le", "surrogatepass")
    at, between = 0, []
    for span in sentences(text):
        assert at <= span.begin < span.end or span == whole(text)
        part = units[2 * span.begin : 2 * span.end].decode("utf-16-le", "surrogatepass")
        assert part == span.text
        between.append(units[2 * at : 2 * span.begin])
        at = span.end
    between.append(units[2 * at :])
    assert b"".join(between).decode("utf-16-le", "surrogatepass").strip() == ""
