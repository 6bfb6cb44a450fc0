"""The word of the lexicon behind one disguised word: look-alikes, leet, repeated, starred, swapped and
dropped letters."""

import re
from itertools import groupby, product

from toxicity_ml.text.deobfuscation.confusables import ALPHABETS, LEET, SIMILAR
from toxicity_ml.text.deobfuscation.lexicon import (
    MAX_LETTERS,
    RUDE_WORDS,
    SHORT_RUDE_WORDS,
    SWEAR_WORDS,
    Lexicon,
)
from toxicity_ml.text.pieces import MARK, Edit, Piece, folded, is_letter, written

_MAX_LEET = 6
"""Digits and signs in one word that are tried as letters, two readings each at most."""
_MAX_RUNS = 26
_STARS = frozenset("*#%+|")
_DOUBLE = re.compile(r"(.)\1")

Letters = list[tuple[int, str]]
"""(index, letter) of each character that stays; two letters where one is missing behind it."""


def plain_word(
    pieces: list[Piece], raw: str, text: str, start: int, end: int, lexicon: Lexicon
) -> Edit | None:
    """Return what to write instead of the word from start to end, or None.

    raw: the text of the pieces. text: the same, folded.
    """
    word = text[start:end]
    if end - start < 3 or not _may_hide(word, raw[start:end], lexicon):
        return None
    places = [at for at in range(start, end) if text[at] != MARK]
    signs = "".join(text[at] for at in places)
    look_alikes = sum(pieces[at][0] in ALPHABETS or pieces[at][0] in SIMILAR for at in places)
    kept = reading(signs, lexicon, look_alikes)
    if kept is None and signs in lexicon.misspelt and not look_alikes:
        kept = _respelt(signs, lexicon.misspelt[signs])
    if kept is None:
        plain = _in_one_alphabet(pieces, start, end)
    else:
        plain = written(pieces, start, end, {places[index]: letter for index, letter in kept})
    return None if plain == pieces[start:end] else (start, end, plain)


def reading(signs: str, lexicon: Lexicon, look_alikes: int = 0) -> Letters | None:
    """The characters that spell a word of the lexicon, the word itself if it is one; None where there is
    none.

    signs: a folded word without marks. look_alikes: how many of its characters were another alphabet's; a
    word all in one is most likely a word of that language, and so is read as a rude word only.
    """
    runs = [(sign, len(list(run))) for sign, run in groupby(signs)]
    if len(runs) > _MAX_RUNS:
        return None
    if not _STARS.isdisjoint(signs):
        return _unstarred(signs, lexicon)
    leet = [sign for sign, _ in runs if sign in LEET]
    if leet:
        return _unleet(signs, runs, leet, lexicon)
    word = lexicon.unrepeated(signs)
    if word is None or (look_alikes == len(signs) and word not in RUDE_WORDS):
        return None
    return _aligned(signs, word)


def _may_hide(word: str, raw: str, lexicon: Lexicon) -> bool:
    if not (word.isascii() and word.isalpha()):
        return any(map(str.isalpha, word))
    if not raw.isascii() or word in lexicon.misspelt:
        return True
    return _DOUBLE.search(word) is not None and lexicon.unrepeated(word) not in (None, word)


def _unleet(signs: str, runs: list[tuple[str, int]], leet: list[str], lexicon: Lexicon) -> Letters | None:
    """``id1ot``, ``5hit``, ``a$$hole``: any known word where digits are inside letters that are as many;
    else, and where there are signs alone (*P!nk*, *Ke$ha*), a rude word with two letters at least."""
    letters = sum(sign.isalpha() for sign in signs)
    if len(leet) > _MAX_LEET or letters < 2:
        return None
    has_signs = not all(sign.isdigit() for sign in leet)
    has_digits = any(sign.isdigit() for sign in leet)
    is_inside = signs[0].isalpha() and signs[-1].isalpha() and 2 * letters >= len(signs) and has_digits
    for choice in product(*(LEET.get(sign, sign) for sign, _ in runs)):
        candidate = "".join(letter * length for letter, (_, length) in zip(choice, runs, strict=True))
        if has_signs and candidate in SHORT_RUDE_WORDS:
            return list(enumerate(candidate))
        word = lexicon.unrepeated(candidate)
        if word and (is_inside or word in RUDE_WORDS):
            return _aligned(candidate, word)
    return None


def _unstarred(signs: str, lexicon: Lexicon) -> Letters | None:
    """Signs put between the letters of a swear word or instead of some: ``f*u*c*k``, ``f**k``."""
    places = [index for index, sign in enumerate(signs) if sign.isalnum()]
    letters = "".join(signs[index] for index in places)
    if letters in SWEAR_WORDS:
        return list(zip(places, letters, strict=True))
    if len(signs) <= MAX_LETTERS and len(places) >= 2 and letters.isalpha():
        word = lexicon.starred(signs)
        return None if word is None else list(enumerate(word))
    return None


def _aligned(word: str, known: str) -> Letters:
    """Which characters spell the known word, whose runs of one letter are no longer than the word's."""
    kept: Letters = []
    place = 0
    for (letter, run), (_, wanted) in zip(groupby(word), groupby(known), strict=True):
        kept += [(place + offset, letter) for offset in range(len(list(wanted)))]
        place += len(list(run))
    return kept


def _respelt(word: str, known: str) -> Letters:
    """The known word on the places of one that swaps two of its letters or lacks one."""
    if len(word) == len(known):
        return list(enumerate(known))
    at = next(index for index in range(len(known)) if word[index : index + 1] != known[index]) - 1
    return [(index, known[at : at + 2] if index == at else letter) for index, letter in enumerate(word)]


def _in_one_alphabet(pieces: list[Piece], start: int, end: int) -> list[Piece]:
    """The word in Latin letters where it mixes them with others that look the same; else as it is."""
    word = pieces[start:end]
    letters = [character for character, _, _ in word if folded(character) != MARK]
    foreign = [character for character in letters if character in ALPHABETS]
    latin = [letter for letter in letters if letter not in ALPHABETS and is_letter(letter, folded(letter))]
    is_mixed = foreign and len(latin) >= 2 and len(foreign) + len(latin) == len(letters)
    if not is_mixed or not all(folded(letter).isascii() for letter in latin):
        return word
    return [(ALPHABETS.get(character, character), first, last) for character, first, last in word]
