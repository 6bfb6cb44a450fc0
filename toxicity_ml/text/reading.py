"""Says how a person reads a disguised text, to show it beside the text; needs the standard library alone."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from toxicity_ml.text.deobfuscation.confusables import ALPHABETS
from toxicity_ml.text.deobfuscation.lexicon import SHORT_RUDE_WORDS, SWEAR_WORDS
from toxicity_ml.text.repair import Repaired, Span, repair

_WORD = re.compile(r"[^\W_]+")
_MARK = re.compile("[\u0300-\u036f]")
_JOINERS = "\u200c\u200d"
_SAME = str.maketrans({"\u00b5": "\u03bc", "\u00aa": "a", "\u00ba": "o", "\u017f": "s"})
"""Signs of ordinary writing that repair makes plain: nobody hides a word by them."""
_SPELLING = re.compile("[\u00aa\u00b5\u00ba\u017f\u200c\u200d\ufb00-\ufb06]")
"""These, joiners and ligatures, one of which a word has where only spelling makes it different."""
_STACKED = 3
"""From this number of marks that belong to no letter on, marks are a disguise."""
_GERMAN_WORDS = """
arsch arschloch arschgeige arschkriecher bastard depp drecksau dreckskerl ficken ficker fick fotze hure
hurenkind hurensohn idiot kacke kanake miststueck miststück mistkerl missgeburt mongo neger nutte penner
pisser scheisse scheiße scheiss scheiß schlampe schwuchtel spast spasti trottel vollidiot wichser
"""
_GERMAN = frozenset(_GERMAN_WORDS.split())
_GERMAN_BEGINNINGS = (
    "arschl",
    "ficke",
    "gefick",
    "hurens",
    "scheiss",
    "scheiß",
    "verfick",
    "verpiss",
    "wichs",
)
_GERMAN_ENDINGS = ("en", "er", "es", "e", "n", "s")


@dataclass(frozen=True)
class Reading:
    """A text as a person reads it."""

    text: str
    spans: tuple[Span, ...]
    """For each character of ``text`` the (start, end) in the original that it came from."""
    changed: tuple[Span, ...]
    """(start, end) in ``text`` of each word that stands otherwise in the original, in order."""
    alphabets: tuple[str, ...]
    """Names of the alphabets, such as ``Cyrillic``, whose letters stand for Latin ones in these words."""


def read_as(text: str) -> Reading:
    """Read a text as a person does: without hidden characters and stacked marks, in Latin letters where
    others only look like them, with spaced, dotted, starred and leet words made plain.

    Words of other alphabets stay. Any string is accepted; one over ``repair.MAX_CHARACTERS`` is read at both
    ends.
    """
    repaired = _in_latin(_without_stacks(text, repair(text, restores_encoding=False)))
    if text.isascii() and repaired.text == text and not repaired.changed:  # as most texts are
        return Reading(text, repaired.spans, (), ())
    changed = [
        (start, end)
        for start, end in _words(repaired.text)
        if _folded(text, repaired.spans[start][0], repaired.spans[end - 1][1]) != repaired.text[start:end]
    ]
    return Reading(repaired.text, repaired.spans, tuple(changed), _alphabets(text, repaired, changed))


def profane(reading: Reading) -> list[Span]:
    """Return the (start, end) in the original of each swear word, English or German, in order, never
    overlapping."""
    places: list[Span] = []
    for start, end in _words(reading.text):
        if not is_profane(reading.text[start:end]):
            continue
        first, last = reading.spans[start][0], reading.spans[end - 1][1]
        if places and first < places[-1][1]:
            places[-1] = (places[-1][0], max(last, places[-1][1]))
        elif first < last:
            places.append((first, last))
    return places


@lru_cache(maxsize=8192)
def is_profane(word: str) -> bool:
    """True for a word that is little else than an insult or an obscenity, in English or German."""
    word = word.lower()
    if word in SWEAR_WORDS or word in SHORT_RUDE_WORDS or word in _GERMAN:
        return True
    stems = {word.removesuffix(ending) for ending in _GERMAN_ENDINGS}
    return word.startswith(_GERMAN_BEGINNINGS) or not _GERMAN.isdisjoint(stems)


def _words(text: str) -> Iterator[Span]:
    return (match.span() for match in _WORD.finditer(text))


def _folded(text: str, start: int, end: int) -> str:
    """The original of a word, with what only spelling makes different folded."""
    original = text[start:end]
    if _SPELLING.search(original):
        original = original.translate(_SAME)
        if any(joiner in original for joiner in _JOINERS) and not any(map(_is_plain_letter, original)):
            original = original.translate(dict.fromkeys(map(ord, _JOINERS)))
        original = re.sub("[\ufb00-\ufb06]", lambda found: unicodedata.normalize("NFKC", found[0]), original)
    return original


def _is_plain_letter(character: str) -> bool:
    """True for a letter of a script that writes without joiners."""
    return unicodedata.name(character, "").startswith(("LATIN", "CYRILLIC", "GREEK", "DIGIT"))


def _without_stacks(text: str, repaired: Repaired) -> Repaired:
    """Take out marks that belong to no letter, where there are several."""
    composed = unicodedata.normalize("NFC", text) if not text.isascii() else ""
    if len(_MARK.findall(composed)) < _STACKED:
        return repaired
    kept = [
        (character, span)
        for character, span in zip(repaired.text, repaired.spans, strict=True)
        if not "\u0300" <= character <= "\u036f"
    ]
    return Repaired("".join(character for character, _ in kept), tuple(span for _, span in kept))


def _in_latin(repaired: Repaired) -> Repaired:
    """Write in Latin letters what mixes them with look-alikes, and words of look-alikes alone beside such.

    Where there are words of another alphabet, too, those of look-alikes alone may be theirs, and stay.
    """
    if repaired.text.isascii():
        return repaired
    words = [(start, end, _kind(repaired.text[start:end])) for start, end in _words(repaired.text)]
    kinds = {kind for _, _, kind in words}
    if "mixed" not in kinds:
        return repaired
    wanted = ("mixed",) if "other" in kinds else ("mixed", "similar")
    characters = list(repaired.text)
    for start, end, kind in words:
        if kind in wanted:
            characters[start:end] = [_latin(character) for character in characters[start:end]]
    return Repaired("".join(characters), repaired.spans, repaired.changed)


def _kind(word: str) -> str:
    """``latin``, ``similar`` (only letters that look Latin), ``mixed`` of both, or ``other``."""
    if word.isascii():  # letters and digits, as most words have
        return "latin"
    kinds = set(map(_kind_of_character, word))
    if "other" in kinds:
        return "other"
    if "similar" in kinds:
        return "mixed" if "latin" in kinds else "similar"
    return "latin"


@lru_cache(maxsize=8192)
def _kind_of_character(character: str) -> str:
    """``latin``, ``similar``, ``digit`` or ``other``."""
    if character in ALPHABETS:
        return "similar"
    if _is_latin(character):
        return "latin"
    return "digit" if character.isdigit() else "other"


def _is_latin(character: str) -> bool:
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN")


def _latin(character: str) -> str:
    letter = ALPHABETS.get(character, character)
    return letter.upper() if character.isupper() else letter


def _alphabets(text: str, repaired: Repaired, changed: Sequence[Span]) -> tuple[str, ...]:
    """The alphabets of the letters that were written in Latin, in the order in which they come."""
    names: dict[str, None] = {}
    for start, end in changed:
        for place in range(start, end):
            first, last = repaired.spans[place]
            for character in text[first:last] if _is_latin(repaired.text[place]) else "":
                if character in ALPHABETS:
                    names[unicodedata.name(character, "?").split()[0].capitalize()] = None
    return tuple(names)
