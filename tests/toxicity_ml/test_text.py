"""Unicode repair: what is undone, what is left, where it came from."""

# ruff: noqa: RUF001  look-alike letters are what is tested

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml.text.repair import MAX_CHARACTERS, MAX_MARKS, repair

# any code point, lone surrogates included, with the troublesome ones often
TROUBLE = "\x00\x1b\u200b\u200d\u202e\u2066\ufeff\u0301\u0489\u20e3\ud800\udc00ｉ𝓲ﬁ\xadÃ©â€™\U000e0041\n\t "
ANY_TEXT = st.text(st.one_of(st.characters(exclude_categories=()), st.sampled_from(TROUBLE)), max_size=300)


@given(ANY_TEXT)
def test_any_string_is_repaired_with_one_span_for_each_character(text: str) -> None:
    repaired = repair(text)
    assert len(repaired.spans) == len(repaired.text)
    assert all(0 <= start <= end <= len(text) for start, end in repaired.spans)
    starts, ends = [span[0] for span in repaired.spans], [span[1] for span in repaired.spans]
    assert starts == sorted(starts)
    assert ends == sorted(ends)


@given(ANY_TEXT)
def test_a_repaired_text_can_be_encoded_and_shows_nothing_invisible(text: str) -> None:
    repaired = repair(text).text
    repaired.encode("utf-8")
    assert not set(repaired) & set("\x00\x1b\u200b\u200d\u202e\u2066\ufeff")


@pytest.mark.parametrize(
    ("damaged", "meant"),
    [
        ("ｙｏｕ　ｉｄｉｏｔ！", "you idiot!"),
        ("𝓲𝓭𝓲𝓸𝓽", "idiot"),
        ("ⓘⓓⓘⓞⓣ", "idiot"),
        ("ﬁlth", "filth"),
        ("id\u200bi\u200do\u00adt", "idiot"),
        ("id\x00io\x07t", "idiot"),
        ("\u202eyou\u202c", "you"),
        ("don\u00e2\u20ac\u2122t", "don\u2019t"),
        ("\ud83d\ude00", "\U0001f600"),
        ("id\ud800iot", "idiot"),
    ],
)
def test_disguise_and_damage_in_the_encoding_are_undone(damaged: str, meant: str) -> None:
    assert repair(damaged).text == meant


@pytest.mark.parametrize(
    "text", ["It's 5 m² – ½ off… Brand™ №7!", "Ça va, naïve señor?", "日本語 العربية हिन्दी", "a\tb\r\nc"]
)
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert repair(text).text == text


def test_a_span_leads_back_to_the_original_characters() -> None:
    original = "so \U0001d4f2\u200bdiot, don\u00e2\u20ac\u2122t"
    repaired = repair(original)
    at = repaired.text.index("idiot")
    start, end = repaired.spans[at][0], repaired.spans[at + 4][1]
    assert original[start:end] == "\U0001d4f2\u200bdiot"
    quote = repaired.text.index("\u2019")
    assert original[slice(*repaired.spans[quote])] == "don\u00e2\u20ac\u2122t"


def test_a_long_text_keeps_both_ends_and_the_gap_is_one_space() -> None:
    original = "start " + "x y " * 100_000 + "end"
    repaired = repair(original)
    assert len(repaired.text) == MAX_CHARACTERS + 1
    assert repaired.text.startswith("start ")
    assert repaired.text.endswith("end")
    assert repaired.spans[MAX_CHARACTERS // 2] == (MAX_CHARACTERS // 2, len(original) - MAX_CHARACTERS // 2)
    assert repaired.spans[-1] == (len(original) - 1, len(original))


def test_stacked_combining_marks_are_bounded() -> None:
    assert repair("a" + "\u0301" * 10_000 + "b").text == "a" + "\u0301" * MAX_MARKS + "b"


def test_a_word_that_the_tokenizer_would_give_up_on_is_broken() -> None:
    repaired = repair("fool" * 100)
    assert max(map(len, repaired.text.split())) <= 100
    assert repaired.text.replace(" ", "") == "fool" * 100
