"""Says how a person reads a disguised text, and where its swear words are, for the pages that show it.

No model is asked, and nothing but the text counts: it may be said of any item, judged blind or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toxicity_ml.text.reading import Reading

EXCERPT = 200
"""Characters of a reading that are shown."""
REMEMBERED_CHARACTERS = 600
"""Readings of texts up to this length, which previews are, are kept in the process for a while."""
BEFORE = 30
"""Of these, how many stand before the first disguised word."""


@dataclass(frozen=True)
class Disguise:
    """How a disguised text reads."""

    excerpt: str
    """From shortly before the first disguised word on."""
    is_beginning: bool
    is_end: bool
    """True where the excerpt is the text's beginning, and its end."""
    alphabets: tuple[str, ...]
    """Names of the alphabets, such as "Cyrillic", whose letters pass for Latin ones."""


def disguise_in(text: str) -> Disguise | None:
    """Return how a text reads, where some word is disguised; otherwise None. Bounded work for any text."""
    reading = _read(text)
    if not reading.changed:
        return None
    first = reading.changed[0][0]
    start = 0 if first <= BEFORE else reading.text.rfind(" ", 0, first - BEFORE) + 1
    end = min(len(reading.text), start + EXCERPT)
    return Disguise(reading.text[start:end].strip(), start == 0, end == len(reading.text), reading.alphabets)


def swear_words_in(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each swear word, disguised ones included, in order, never overlapping."""
    from toxicity_ml.text.reading import profane

    return profane(_read(text))


def _read(text: str) -> Reading:
    from toxicity_ml.text.reading import read_as

    return _read_short(text) if len(text) <= REMEMBERED_CHARACTERS else read_as(text)


@lru_cache(maxsize=256)
def _read_short(text: str) -> Reading:
    """Read a preview once: a page asks up to three times how it reads, and comes again."""
    from toxicity_ml.text.reading import read_as

    return read_as(text)
