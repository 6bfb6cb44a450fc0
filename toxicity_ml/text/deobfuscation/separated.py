"""Words whose letters stand apart: ``i.d.i.o.t``, ``i d i o t``, ``id-iot``."""

from collections.abc import Iterator, Sequence

from toxicity_ml.text.deobfuscation.confusables import LEET
from toxicity_ml.text.deobfuscation.lexicon import (
    FUNCTION_WORDS,
    MAX_LETTERS,
    MIN_LETTERS,
    RUDE_WORDS,
    SWEAR_WORDS,
    Lexicon,
)
from toxicity_ml.text.deobfuscation.words import reading
from toxicity_ml.text.pieces import MARK, Piece, written

_SEPARATORS = frozenset(" \t\n\r.-_,~'`:;=/\\|*·•\u2013\u2014")
_MAX_GAP = 3
_JOINTS = frozenset(".-_~·•")
"""What may stand in a word that was cut into parts of more than one letter; neither white space nor an
apostrophe (*who're*)."""
_MAX_PARTS = 8

Span = tuple[int, int]
Joined = tuple[int, int, list[Piece]]
"""The words from first to last, both included, are replaced by these pieces."""


def separated_words(
    pieces: list[Piece], text: str, words: Sequence[Span], lexicon: Lexicon
) -> Iterator[Joined]:
    """The runs of single letters and the cut words that spell something.

    text: folded. words: (start, end) of its words, in order. A run of letters with one and the same separator
    is joined where it is a known word of at least MIN_LETTERS letters (in capitals, which mark an
    abbreviation, a rude word), or rude words among known ones.
    """
    for first, last in _runs_of_letters(text, words):
        joined = _joined(pieces, text, words[first : last + 1], lexicon)
        if joined:
            yield first, last, joined
    for first, last in _compounds(text, words):
        span = words[first : last + 1]
        places = [at for start, end in span for at in range(start, end) if text[at] != MARK]
        kept = (
            reading("".join(text[at] for at in places), lexicon) if len(places) <= 2 * MAX_LETTERS else None
        )
        if kept and "".join(letter for _, letter in kept) in SWEAR_WORDS:
            letters = {places[index]: letter for index, letter in kept}
            yield first, last, written(pieces, span[0][0], span[-1][1], letters)


def _runs_of_letters(text: str, words: Sequence[Span]) -> Iterator[Span]:
    """(first, last) words of each run of MIN_LETTERS or more single letters with equal gaps."""
    at = 0
    while at < len(words):
        if not _is_single(text, words[at]):
            at += 1
            continue
        last, gaps = at, []
        while last + 1 < len(words) and _is_single(text, words[last + 1]):
            gap = text[words[last][1] : words[last + 1][0]]
            if not (0 < len(gap) <= _MAX_GAP and _SEPARATORS.issuperset(gap)):
                break
            gaps.append(gap)
            last += 1
        for first, final in _equal_gaps(gaps):
            if final - first + 1 >= MIN_LETTERS:
                yield at + first, at + final
        at = last + 1


def _equal_gaps(gaps: list[str]) -> Iterator[Span]:
    """(first, last) letters of each stretch of equal gaps; a letter between two stretches belongs to the
    tighter."""

    def width(gap: str) -> tuple[bool, int]:
        return (not gap.strip(), len(gap))

    start = 0
    for at in range(1, len(gaps) + 1):
        if at < len(gaps) and gaps[at] == gaps[start]:
            continue
        own_width = width(gaps[start])
        first = start + (1 if start > 0 and width(gaps[start - 1]) <= own_width else 0)
        last = at - (1 if at < len(gaps) and width(gaps[at]) < own_width else 0)
        yield first, last
        start = at


def _is_single(text: str, word: Span) -> bool:
    start, end = word
    if end - start > 1 and (text[start + 1] != MARK or text[start + 1 : end].strip(MARK)):
        return False
    letter = text[start]
    return letter.isalpha() or letter in LEET


def _joined(pieces: list[Piece], text: str, words: Sequence[Span], lexicon: Lexicon) -> list[Piece] | None:
    signs = "".join(text[start] for start, _ in words)
    is_capital = all(pieces[start][0].isupper() for start, _ in words if text[start].isalpha())
    kept = reading(signs, lexicon) if len(signs) <= 2 * MAX_LETTERS else None
    if kept:
        word = "".join(letter for _, letter in kept)
        if word in RUDE_WORDS or (signs.isalpha() and not is_capital):
            return _parts(pieces, words, kept)
    joined: list[Piece] = []
    place = 0
    for length in _segments(signs, lexicon):
        if joined:  # the space between two words comes from the separator there
            joined.append((" ", pieces[words[place - 1][1] - 1][2], pieces[words[place][0]][1]))
        segment = words[place : place + length]
        joined += _parts(pieces, segment, list(enumerate(signs[place : place + length])))
        place += length
    return joined or None


def _parts(pieces: list[Piece], words: Sequence[Span], kept: list[tuple[int, str]]) -> list[Piece]:
    return [
        piece for index, letter in kept for piece in written(pieces, *words[index], {words[index][0]: letter})
    ]


def _segments(letters: str, lexicon: Lexicon) -> list[int]:
    """Lengths of the fewest words that make up all the letters, a rude one among them; else empty."""
    best: list[tuple[int, int, bool] | None] = [(0, 0, False)]  # words so far, length of the last, any rude
    for end in range(1, len(letters) + 1):
        shortest: tuple[int, int, bool] | None = None
        for length in range(1, min(end, MAX_LETTERS) + 1):
            before = best[end - length]
            word = letters[end - length : end]
            if before is None or not (word in FUNCTION_WORDS or word in lexicon.known):
                continue
            option = (before[0] + 1, length, before[2] or word in RUDE_WORDS)
            if shortest is None or (not option[2], option[0]) < (not shortest[2], shortest[0]):
                shortest = option
        best.append(shortest)
    last = best[-1]
    if last is None or not last[2]:
        return []
    lengths: list[int] = []
    end = len(letters)
    while end:
        entry = best[end]
        if entry is None:
            return []
        lengths.append(entry[1])
        end -= entry[1]
    return lengths[::-1]


def _compounds(text: str, words: Sequence[Span]) -> Iterator[Span]:
    """(first, last) words of each maximal row that single joints hold together, not all of them letters."""
    first = 0
    for at in range(1, len(words) + 1):
        if at < len(words):
            gap = text[words[at - 1][1] : words[at][0]]
            if len(gap) == 1 and gap in _JOINTS:
                continue
        if 2 <= at - first <= _MAX_PARTS and not all(_is_single(text, word) for word in words[first:at]):
            yield first, at - 1
        first = at
