"""Symbols that a tokenizer lacks, put into words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml.text.repair import Repaired, repair_encoding
from toxicity_ml.text.symbols import MAX_REPEATS, symbols_in_words


def in_words(text: str, known: str = "") -> Repaired:
    return symbols_in_words(repair_encoding(text), lambda character: character in known)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("you are a 🤡", "you are a clown"),
        ("all 🇲🇽 are 🐀🐀", "all Mexico are rat rat"),
        ("🖕🏿 off", "middle finger off"),
        ("go👉home", "go right pointing backhand index home"),
        ("I ❤️ it", "I love it"),
        ("plain text, no symbol", "plain text, no symbol"),
        ("Ein Wörterbuch für 20 €", "Ein Wörterbuch für 20 €"),
    ],
)
def test_symbols_become_words(text: str, words: str) -> None:
    assert " ".join(in_words(text).text.split()) == words


def test_known_symbols_stay() -> None:
    assert in_words("★ and 🐀", known="★").text.split() == ["★", "and", "rat"]


def test_a_long_run_is_read_a_few_times() -> None:
    assert in_words("😂" * 50).text.split() == ["laughing"] * MAX_REPEATS
    assert in_words("😂 " * 50).text.split() == ["laughing"] * MAX_REPEATS
    assert in_words("😂 a " * 5).text.split() == ["laughing", "a"] * 5


def test_words_have_the_span_of_their_symbol() -> None:
    text = "so 🐷 and 🇵🇱"
    read = in_words(text)
    for word, symbol in (("pig", "🐷"), ("Poland", "🇵🇱")):
        start = read.text.index(word)
        assert {text[first:last] for first, last in read.spans[start : start + len(word)]} == {symbol}


def test_changed_places_move_along() -> None:
    repaired = Repaired("🐀 shit", ((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)), ((2, 6),))
    read = symbols_in_words(repaired, lambda character: False)
    ((start, end),) = read.changed
    assert read.text[start:end] == "shit"


@given(st.text(alphabet="ab 🐀🇲🇽🇵😂🏿❤\ufe0f\u200d👩é", max_size=30))
def test_spans_never_go_back(text: str) -> None:
    read = in_words(text)
    assert len(read.spans) == len(read.text)
    assert all(first <= last <= len(text) for first, last in read.spans)
    starts = [first for first, _ in read.spans]
    assert starts == sorted(starts)
