"""Spans of a text in UTF-16 code units: the whole text, or one for each sentence.

Sentences end where Unicode's rules (UAX #29) see an end, with one difference: people write comments in lower
case, so a full stop ends a sentence before a small letter too, unless it belongs to an abbreviation. The
libraries that were tried keep "lol. go away" as one sentence, take seconds for a hostile text, or crash on
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["MAX_SENTENCES", "Span", "sentences", "utf16_length", "whole"]

MAX_SENTENCES = 200
"""The most spans of one text. Sentences of a text with more are taken together, evenly."""


@dataclass(frozen=True)
class Span:
    """A part of a text that is scored by itself."""

    begin: int
    """Its first UTF-16 code unit."""
    end: int
    """The UTF-16 code unit after its last."""
    text: str


def whole(text: str) -> Span:
    """Return the span over the whole text."""
    return Span(0, utf16_length(text), text)


def sentences(text: str, *, at_most: int = MAX_SENTENCES) -> list[Span]:
    """Split a text into sentences, none empty, with the white space between them left out.

    Signs and emoji without a letter or a digit belong to the sentence before them, at the begin of a text to
    the one after. A text of white space is one span, the whole.
    """
    parts = list(_with_words(text, _trimmed(text, _ends(text))))
    if not parts:
        return [whole(text)]
    return _in_utf16(text, list(_taken_together(parts, at_most)))


def utf16_length(text: str) -> int:
    """Count the UTF-16 code units of a text: two for each character beyond U+FFFF, else one."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


Part = tuple[int, int]
"""Begin and end of a part of a text, in characters."""

_WIDE_STOPS = "\u3002\uff0e\uff01\uff1f\uff61\ufe12"
"""Chinese and Japanese stops: no space follows them."""
_STOPS = rf".!?\u2026\u2025\u203d\u2047-\u2049\u0964\u0965\u061f\u06d4\u0589\u1362\u1367{_WIDE_STOPS}"
_CLOSERS = r"\"')\]}\u201d\u2019\xbb\u203a\u300d\u300f\u3011\uff09"
_MARK = re.compile(rf"(?P<line>[\n\r\v\f\x85\u2028\u2029]++)|(?P<stops>[{_STOPS}]++)[{_CLOSERS}]*+")
_LAST_WORD = re.compile(r"[\w.]*+\Z")
_LONGEST_WORD = 24
_ABBREVIATION = re.compile(
    r"mrs?|ms|dr|prof|st|jr|sr|rev|gov|capt|sgt|vs|etc|approx|nos|vol|pp|inc|ltd|corp|dept"
    r"|bzw|usw|ca|nr|bspw|ggf|evtl|vgl|mme|mlle|sra",
    re.IGNORECASE,
)
"""Words that end in a full stop. Those that end a sentence as often, such as `no`, are not among them."""
_NEXT_LETTER = re.compile(r"\s*+(\S?)")


def _ends(text: str) -> Iterator[int]:
    """Yield where a sentence ends, in characters, and last the end of the text."""
    begin = 0
    for mark in _MARK.finditer(text):
        if mark["line"] or _ends_sentence(text, mark, begin):
            yield mark.end()
            begin = mark.end()
    yield len(text)


def _ends_sentence(text: str, mark: re.Match[str], begin: int) -> bool:
    """True where the stops end the sentence that begins at `begin`."""
    stops, following = mark["stops"], text[mark.end() : mark.end() + 1]
    if any(stop in _WIDE_STOPS for stop in stops):
        return True
    if following and not following.isspace():
        return False
    if stops == ".":
        return not _is_abbreviated(text, mark, begin)
    return not (set(stops) <= {".", "\u2026", "\u2025"} and _next_letter(text, mark.end()).islower())


def _is_abbreviated(text: str, mark: re.Match[str], begin: int) -> bool:
    """True where the full stop belongs to the word before it: `Dr.`, `e.g.`, `J. Smith`, `1.` of a list."""
    first = max(begin, mark.start() - _LONGEST_WORD)
    before = text[first : mark.start()]
    match = _LAST_WORD.search(before)
    word = match.group() if match else ""
    if word.isdigit():
        return first == begin and before.strip() == word
    if len(word) == 1:
        return word.isupper() and word != "I" and _next_letter(text, mark.end()).isupper()
    letters = word.split(".")
    is_lettered = len(letters) > 1 and all(len(one) == 1 for one in letters)
    return is_lettered or _ABBREVIATION.fullmatch(word) is not None


def _next_letter(text: str, at: int) -> str:
    match = _NEXT_LETTER.match(text, at)
    return match[1] if match else ""


def _trimmed(text: str, ends: Iterator[int]) -> Iterator[Part]:
    """Yield each part between two ends without the white space around it, unless nothing is left."""
    begin = 0
    for end in ends:
        part = text[begin:end]
        stripped = part.strip()
        if stripped:
            first = begin + len(part) - len(part.lstrip())
            yield first, first + len(stripped)
        begin = end


def _with_words(text: str, parts: Iterator[Part]) -> Iterator[Part]:
    """Yield the parts, those without a letter or a digit joined to a neighbour."""
    begin, end, has_word = 0, 0, False
    for first, last in parts:
        is_word = any(map(str.isalnum, text[first:last]))
        if has_word and is_word:
            yield begin, end
            begin, has_word = first, False
        elif end == 0:
            begin = first
        end, has_word = last, has_word or is_word
    if end:
        yield begin, end


def _taken_together(parts: Sequence[Part], at_most: int) -> Iterator[Part]:
    """Yield `at_most` parts or fewer, each from the begin of its first to the end of its last."""
    size = -(-len(parts) // at_most)
    for first in range(0, len(parts), size):
        group = parts[first : first + size]
        yield group[0][0], group[-1][1]


def _in_utf16(text: str, parts: Sequence[Part]) -> list[Span]:
    """Turn parts into spans, in one walk over the text."""
    spans, units, at = [], 0, 0
    for begin, end in parts:
        start = units + utf16_length(text[at:begin])
        units = start + utf16_length(text[begin:end])
        spans.append(Span(start, units, text[begin:end]))
        at = end
    return spans
