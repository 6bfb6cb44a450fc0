"""Says how a person reads a disguised text, and where its swear words are, for the pages that show it.

No model is asked, and nothing but the text counts: it may be said of any item, judged blind or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

EXCERPT = 200
"""Characters of a reading that are shown."""
BEFORE = 30
"""Of these, how many stand before the first disguised word."""
REMEMBERED_CHARACTERS = 5000
"""Of texts up to this length, which lists show, a process remembers the latest REMEMBERED; of longer ones,
of which a page shows one, the latest few."""
REMEMBERED, REMEMBERED_LONG = 256, 4


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


Span = tuple[int, int]


def disguise_in(text: str) -> Disguise | None:
    """Return how a text reads, where some word is disguised; otherwise None. Bounded work for any text."""
    return _read(text)[0]


def swear_words_in(text: str) -> list[Span]:
    """Return the (start, end) of each swear word, disguised ones included, in order, never overlapping."""
    return list(_read(text)[1])


def _read(text: str) -> tuple[Disguise | None, tuple[Span, ...]]:
    """Return the disguise and the swear words of a text: a page asks for both, and comes again."""
    return _read_short(text) if len(text) <= REMEMBERED_CHARACTERS else _read_long(text)


def _read_anew(text: str) -> tuple[Disguise | None, tuple[Span, ...]]:
    from toxicity_ml.text.reading import profane, read_as

    reading = read_as(text)
    swear_words = tuple(profane(reading))
    if not reading.changed:
        return None, swear_words
    first = reading.changed[0][0]
    start = 0 if first <= BEFORE else reading.text.rfind(" ", 0, first - BEFORE) + 1
    end = min(len(reading.text), start + EXCERPT)
    excerpt = reading.text[start:end].strip()
    return Disguise(excerpt, start == 0, end == len(reading.text), reading.alphabets), swear_words


_read_short = lru_cache(maxsize=REMEMBERED)(_read_anew)
_read_long = lru_cache(maxsize=REMEMBERED_LONG)(_read_anew)
