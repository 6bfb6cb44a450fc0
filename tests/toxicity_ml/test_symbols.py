"""Symbols that a tokenizer lacks, put into words."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml.text import symbols
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


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("🖕🏽", "middle finger"),
        ("❤\ufe0f", "love"),
        ("❤\ufe0e", "love"),
        ("☠\u200d", "skull dead"),
        ("💩\u0301", "shit"),
        ("👍🏻\ufe0f\u200d", "thumbs up"),
    ],
)
def test_what_changes_the_look_of_a_symbol_ends_no_run(symbol: str, words: str) -> None:
    for known in ("", "🏽🏻"):
        read = symbols_in_words(
            Repaired(symbol * 8, tuple((at, at + 1) for at in range(8 * len(symbol))), ()),
            lambda character: character in known,  # noqa: B023  called at once
        )
        assert read.text.count(words) == MAX_REPEATS
    assert len(in_words(symbol * 20_000).text) <= len(symbol) * 20_000


def test_a_tone_alone_neither_counts_nor_parts() -> None:
    assert in_words("🖕🏽🏿🖕🖕🏻🖕").text.split() == ["middle", "finger"] * MAX_REPEATS
    assert in_words("🏽").text.split() == []
    assert in_words("🐀a🏽🐀").text.split() == ["rat", "a", "rat"]


def test_symbols_are_those_of_unicode_14_on_every_interpreter() -> None:
    assert in_words("🫠🪬").text.split() == ["melting", "hamsa"]  # of Unicode 14
    assert in_words("🫨🪿").text == "🫨🪿"  # of Unicode 15
    known = {sign for sign in map(chr, range(128, 0x110000)) if unicodedata.category(sign) in ("So", "Sk")}
    assert known >= symbols._SYMBOLS
    if unicodedata.unidata_version == "14.0.0":
        assert not known - symbols._SYMBOLS


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
