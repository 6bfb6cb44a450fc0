"""What any database can hold, and which texts count as the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.texts import KEYED_CHARACTERS, normalised, storable, text_key

ANY_TEXT = st.text(st.characters(codec=None) | st.sampled_from("\0\ud800\udfff'\u2019 \n!aA"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("You are stupid", "you ARE stupid"),
        ("you are stupid", "you  are\n\tstupid "),
        ("you are stupid", "you are stupid!!!"),
        ("you are stupid", "you are stuuuupid"),
        ("you're stupid", "you are stupid"),
        ("you\u2019re stupid", "YOU'RE stupid"),
        ("don't", "do not"),
        ("won't", "will not"),
        ("can't", "cannot"),
        ("it's", "it is"),
        ("ﬁne", "fine"),
    ],
)
def test_texts_that_differ_in_what_is_folded_share_a_key(one: str, other: str) -> None:
    assert text_key(one, "secret") == text_key(other, "secret")


@pytest.mark.parametrize(
    ("one", "other"),
    [("you are stupid", "you are not stupid"), ("!", "?"), ("", "!"), ("😀", "😡"), ("", "a")],
)
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    assert text_key(one, "secret") != text_key(other, "secret")


def test_key_depends_on_the_secret() -> None:
    assert text_key("hello", "one") != text_key("hello", "two")


@given(ANY_TEXT)
def test_any_text_has_a_key_and_a_form_that_can_be_stored(text: str) -> None:
    stored = storable(text)
    stored.encode("utf-8")
    assert "\0" not in stored
    assert storable(stored) == stored
    assert text_key(text, "secret") == text_key(stored, "secret")
    assert len(text_key(text, "secret")) == 64


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert storable(text) == text


def test_what_can_not_be_stored_is_replaced_visibly() -> None:
    assert storable("a\0b\ud800c\U0001f600") == "a\u2400b\ufffdc\U0001f600"


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    long = "word " * KEYED_CHARACTERS
    assert text_key(long, "secret") == text_key(long + "another end", "secret")
    assert len(normalised("ﷺ" * 10**6)) <= KEYED_CHARACTERS
