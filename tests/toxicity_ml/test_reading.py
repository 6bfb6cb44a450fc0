"""How a person reads a disguised text, for pages that show it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml.text.reading import is_profane, profane, read_as
from toxicity_ml.text.repair import MAX_CHARACTERS


@pytest.mark.parametrize(
    ("text", "reads", "changed"),
    [
        ("you i d i o t", "you idiot", ["idiot"]),
        (
            "\u0443\u043eu \u0430r\u0435 \u0430 \u0455tu\u0440id",
            "you are a stupid",
            ["you", "are", "a", "stupid"],
        ),
        ("\uff46\uff4f\uff4f\uff4c", "fool", ["fool"]),
        ("i\u0337d\u0337i\u0337o\u0337t\u0337", "idiot", ["idiot"]),
        ("nothing here", "nothing here", []),
    ],
)
def test_words_that_stand_otherwise_are_named(text: str, reads: str, changed: list[str]) -> None:
    reading = read_as(text)
    assert reading.text == reads
    assert [reading.text[start:end] for start, end in reading.changed] == changed


def test_each_character_knows_where_it_stood() -> None:
    text = "oh f.u.c.k \u0455hit"
    reading = read_as(text)
    assert [text[start:end] for start, end in profane(reading)] == ["f.u.c.k", "\u0455hit"]


@pytest.mark.parametrize(
    "word", ["Fuck", "ASSHOLES", "Arschlöcher", "verpisst", "Idioten", "Scheiße", "wichsen"]
)
def test_swear_words_in_both_languages(word: str) -> None:
    assert is_profane(word)


@pytest.mark.parametrize("word", ["class", "Dickens", "Idiom", "Scheibe", "Hurrikan", "trotten", "pass"])
def test_words_that_only_begin_alike_are_none(word: str) -> None:
    assert not is_profane(word)


@given(st.text(max_size=200))
def test_any_text_is_read_with_places_inside_it(text: str) -> None:
    reading = read_as(text)
    assert len(reading.spans) == len(reading.text)
    assert all(0 <= start <= end <= len(text) for start, end in reading.spans)
    places = profane(reading)
    assert all(start < end for start, end in places)
    assert all(one[1] <= other[0] for one, other in pairwise(places))


def test_of_a_huge_text_both_ends_are_read() -> None:
    reading = read_as("a" * 1_000_000 + " i d i o t")
    assert reading.text.endswith("idiot") and len(reading.text) < 2 * MAX_CHARACTERS
