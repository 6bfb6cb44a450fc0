"""Takes a text apart into characters that keep their place, each with what it is compared by."""

import unicodedata
from functools import lru_cache
from operator import itemgetter

from toxicity_ml.text.deobfuscation.confusables import ALPHABETS, SIMILAR

Piece = tuple[str, int, int]
"""A string and where it stood in the original, (text, start, end)."""
Edit = tuple[int, int, list[Piece]]
"""The pieces from start to end are replaced by these."""

MARK = "\u0300"
"""Stands for any combining mark in a folded text."""


_CHARACTER, _SPAN = itemgetter(0), itemgetter(1, 2)


def pieces_of(text: str, offset: int = 0) -> list[Piece]:
    """Take a text that begins at `offset` apart."""
    ends = range(offset + 1, offset + 1 + len(text))
    return list(zip(text, range(offset, offset + len(text)), ends, strict=True))


def joined_text(pieces: list[Piece]) -> str:
    return "".join(map(_CHARACTER, pieces))


def spans_of(pieces: list[Piece]) -> tuple[tuple[int, int], ...]:
    """(start, end) in the original of each piece."""
    return tuple(map(_SPAN, pieces))


def folded_text(text: str) -> str:
    """As long as the text: for each character the Latin letter that it is or looks like, in lower case."""
    if text.isascii():
        return text.lower()
    return text.translate({ord(character): folded(character) for character in set(text)})


@lru_cache(maxsize=8192)
def folded(character: str) -> str:
    """One character to compare by; accents go, a combining mark is MARK, other letters stay."""
    if character.isascii():
        return character.lower()
    if unicodedata.category(character)[0] == "M":
        return MARK
    similar = ALPHABETS.get(character) or SIMILAR.get(character)
    base = unicodedata.normalize("NFD", character)[0]
    plain = (similar or (base if base.isascii() else character)).lower()
    return plain if len(plain) == 1 else character


def is_letter(character: str, letter: str) -> bool:
    """True where the tokenizer, which folds case and accents, reads this character as this letter."""
    return character.lower() == letter or unicodedata.normalize("NFD", character)[0].lower() == letter


def written(pieces: list[Piece], start: int, end: int, letters: dict[int, str]) -> list[Piece]:
    """The pieces from start to end with these letters alone, in the word's own case.

    letters: place -> lower-case letter, and any that follow it and have no place of their own. A character
    that is its letter stays as it is, its marks with it.
    """
    own = [pieces[at][0] for at in range(start, end) if pieces[at][0].isalpha()]
    shouted = sum(letter.isupper() for letter in own) * 2 > len(own)
    result: list[Piece] = []
    kept = False
    for at in range(start, end):
        character, first, last = pieces[at]
        if at in letters:
            kept = True
            letter, more = letters[at][0], letters[at][1:]
            if is_letter(character, letter):
                result.append(pieces[at])
            else:
                upper = character.isupper() or (shouted and not character.isalpha())
                result.append((letter.upper() if upper else letter, first, last))
            result += [(other.upper() if shouted else other, first, last) for other in more]
        elif kept and folded(character) == MARK:
            result.append(pieces[at])
        else:
            kept = False
    return result


def applied(pieces: list[Piece], edits: list[Edit], flags: list[bool]) -> tuple[list[Piece], list[bool]]:
    """The pieces after these edits, which are in order and apart, and for each whether it was changed."""
    if not edits:
        return pieces, flags
    result: list[Piece] = []
    changed: list[bool] = []
    at = 0
    for start, end, found in edits:
        result += pieces[at:start] + found
        changed += flags[at:start] + [True] * len(found)
        at = end
    return result + pieces[at:], changed + flags[at:]
