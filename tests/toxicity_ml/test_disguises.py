"""Disguised words are read as a person reads them; names, abbreviations and other languages stay."""

# ruff: noqa: RUF001  look-alike letters are what is tested

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.toxicity_ml.tiny_model import FRIENDLY
from toxicity_ml.classifier import Classifier
from toxicity_ml.inference.windows import MAX_WINDOWS, WindowEncoder
from toxicity_ml.text.deobfuscation import Lexicon
from toxicity_ml.text.repair import forms, repair, repair_encoding

_ORDINARY_WORDS = """
witch states beautiful wheel wheels idiots please goal cool pink this shield uncle bingo access
"""
WORDS = Lexicon.of(_ORDINARY_WORDS.split())
"""Ordinary words as a tokenizer's vocabulary adds them."""

# parts of disguises, glued in any order
PARTS = st.sampled_from(
    [
        *("idiot", "you ", "ooo", "http://", "{{", "}}", "<b>", "</b>", "<!--x-->", "&#105;", "&shy;"),
        *"idiotfuckSHIT.-_* '\n10@$!іоᴛ\u0301\u200b𝓲\ud800",
    ]
)
DISGUISED_TEXT = st.lists(PARTS, max_size=60).map("".join)


@pytest.mark.parametrize(
    ("disguised", "meant"),
    [
        ("you іdіоt", "you idiot"),
        ("ѕtupіd", "stupid"),
        ("ᴍᴏʀᴏɴ", "moron"),
        ("іԁіот", "idiot"),
        ("🅸🅳🅸🅾🆃", "IDIOT"),
        ("bеаutіful", "beautiful"),
        ("id<b></b>iot", "idiot"),
        ("i<i></i>d<!-- no -->iot", "idiot"),
        ("id<b>i</b>ot", "idiot"),
        ("id&#105;ot", "idiot"),
        ("&#x69;&#100;iot", "idiot"),
        ("id&shy;iot", "idiot"),
        ("you i.d.i.o.t!", "you idiot!"),
        ("I f.u.c.k you", "I fuck you"),
        ("i-d-i-o-t", "idiot"),
        ("i_d_i_o_t", "idiot"),
        ("S.T.U.P.I.D", "STUPID"),
        ("You i d i o t.", "You idiot."),
        ("y o u a r e s t u p i d", "you are stupid"),
        ("i\nd\ni\no\nt", "idiot"),
        ("i . d . i . o . t", "idiot"),
        ("id-iot", "idiot"),
        ("you idoit", "you idiot"),
        ("BICTH", "BITCH"),
        ("Fcuk off, assole", "Fuck off, asshole"),
        ("stpid MROON", "stupid MORON"),
        ("fck this", "fuck this"),
        ("id1ot", "idiot"),
        ("1d10t", "idiot"),
        ("5tupid", "stupid"),
        ("a$$hole", "asshole"),
        ("B1TCH", "BITCH"),
        ("b!tch!!!", "bitch!!!"),
        ("wh33ls", "wheels"),
        ("idioooooot", "idiot"),
        ("STUUUUPID", "STUPID"),
        ("stuppid", "stupid"),
        ("asssss", "ass"),
        ("sh*t", "shit"),
        ("s*t*u*p*i*d", "stupid"),
        ("ｉ.ｄ.ｉ.ｏ.ｔ", "idiot"),
        ("id\u200b1ooot", "idiot"),
        ("m.о.r.о.n", "moron"),
        ("i" + "d" * 300 + "iot", "idiot"),
    ],
)
def test_a_disguised_word_is_read_as_meant(disguised: str, meant: str) -> None:
    assert repair(disguised, WORDS).text == meant


_ORDINARY = """
U.S. U.S.A. W.I.T.C.H W.I.T.C.H. e.t.c P.O.V XLR8 Scunthorpe e.g. i.e. a.m. p.m. 3D B2B H2O MP3 4chan
S.H.I.E.L.D. U.N.C.L.E. B-I-N-G-O Y.M.C.A. R.E.M. M*A*S*H W3C co-op e-mail x-ray T-shirt B-52 F-16 C++ C#
.NET 100% $50 €50 Ke$ha A$AP P!nk Se7en Win32 x86 i18n l10n k8s a11y U2 R2D2 C3PO WALL-E J.R.R.Tolkien
a.k.a. Ph.D. v1.0.2 192.168.0.1 https://example.org/b1tch www.b1tch.example b1tch@example.com sh1t.jpg
{{b1tch|1diot}} [[User:XLR8]] UTC+2 10:30 1st 2nd Y2K Dickens Cockburn Penistone cocktail assassin class
pass grass bookkeeper committee looser viii XXIII www hmmm s/he and/or 5*5 int*char **bold** ''italic''
A/B/C/D S.c.u.n.t.h.o.r.p.e who're Shiite Shi'ite м-р мир рост авто сука Россия ελλάδα μm β-carotene
H<sub>2</sub>O one<b>two</b> AT&amp;T caf&eacute; a.b.c.d.e 1.2.3.4 M.I.T. D.I.Y. S.O.S. rock'n'roll
o'clock naïve Ærø Đoković Łódź ßtraße W00t 1337 deadbeef A55 a55 M4A1 AK47 annals hatte
"""


@pytest.mark.parametrize(
    "word", [*_ORDINARY.split(), "S C U N T H O R P E", "A B C D E F", "w w w w", "1 2 3 4 5"]
)
def test_names_abbreviations_and_other_languages_stay(word: str) -> None:
    for text in (word, f"see {word} there", f'"{word}", {word}.'):
        assert len(forms(text, WORDS)) == 1
        assert repair(text, WORDS).text == text.replace("\u200b", "")


@given(DISGUISED_TEXT)
@settings(max_examples=300)
def test_every_character_leads_back_to_the_original(text: str) -> None:
    repaired = repair(text, WORDS)
    assert len(repaired.spans) == len(repaired.text)
    assert all(0 <= start <= end <= len(text) for start, end in repaired.spans)
    starts, ends = [span[0] for span in repaired.spans], [span[1] for span in repaired.spans]
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    bounds = [place for span in repaired.changed for place in span]
    assert bounds == sorted(bounds)
    assert all(0 <= place <= len(repaired.text) for place in bounds)


@given(DISGUISED_TEXT)
def test_outside_the_changed_places_both_forms_say_the_same(text: str) -> None:
    readings = forms(text, WORDS)
    assert readings[0] == repair_encoding(text)
    assert (len(readings) == 2) == bool(readings[-1].changed)
    place = 0
    rest = []
    for start, end in readings[-1].changed:
        rest.append(readings[-1].text[place:start])
        place = end
    rest.append(readings[-1].text[place:])
    plain, at = readings[0].text, 0
    for part in rest:
        at = plain.find(part, at)
        assert at >= 0
        at += len(part)


def test_the_span_of_a_disguised_word_covers_it() -> None:
    original = "Such an і.d.1.о.t, really"
    repaired = repair(original)
    ((start, end),) = repaired.changed
    assert repaired.text[start:end] == "idiot"
    assert original[repaired.spans[start][0] : repaired.spans[end - 1][1]] == "і.d.1.о.t"


def test_case_and_accents_are_left_to_the_tokenizer() -> None:
    assert repair("ÍDÍÖT").text == "ÍDÍÖT"
    assert repair("Í.D.Í.Ö.T").text == "ÍDÍÖT"


@pytest.mark.parametrize(
    "hostile",
    [
        "." * 1_000_000,
        "a." * 500_000,
        "a " * 500_000,
        "f*" * 500_000,
        "id<b></b>" * 100_000,
        "<b" * 500_000,
        "&#105;" * 150_000,
        "{{" * 500_000,
        "a@" * 500_000,
        "1i" * 500_000,
        "i" * 1_000_000,
        "fu-" * 300_000,
        "о" * 1_000_000,
    ],
    ids=lambda text: text[:6],
)
def test_hostile_text_is_read_at_both_ends_like_any_other(hostile: str) -> None:
    text = "you i.d.i.o.t " + hostile + " s.t.u.p.i.d"
    repaired = repair(text, WORDS).text
    assert repaired.startswith("you idiot")
    assert repaired.endswith("stupid")


def test_a_text_in_disguise_scores_as_high_as_the_plain_one(tiny_classifier: Classifier) -> None:
    plain = tiny_classifier.logits(["you are a stupid friend"])
    (hidden,) = tiny_classifier.logits(["you are a s.t.u.p.i.d friend"])
    assert (hidden >= plain[0] - 1e-6).all()
    assert tiny_classifier.predict("you are a s.t.u.p.i.d friend")["insult"] > 0.5


def test_only_the_part_that_changed_is_read_a_second_time(tiny_version: Path) -> None:
    encoder = WindowEncoder(tiny_version)
    text = "kind " * 2_000 + "m.o.r.o.n"
    plain = WindowEncoder(tiny_version, both_forms=False).windows(text)
    both = encoder.windows(text)
    assert len(plain) + 1 <= len(both) <= len(plain) + 2
    for before, after in zip(plain, both, strict=False):
        assert np.array_equal(before, after)
    assert len(encoder.windows("i.d.i.o.t kind " * 20_000)) == MAX_WINDOWS


def test_words_of_the_vocabulary_are_joined_by_the_encoder(tiny_version: Path) -> None:
    encoder = WindowEncoder(tiny_version)
    assert "friend" in FRIENDLY
    spaced, joined = encoder.windows("f r i e n d"), encoder.windows("friend")
    assert np.array_equal(spaced[-1], joined[0])
    assert len(spaced) == 2
