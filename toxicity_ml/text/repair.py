"""Repair of a text before the tokenizer, in bounded work, with an offset map back to the original.

What the tokenizer does itself stays with it: case, accents, white space, punctuation. How disguised words are
recognised is in ``disguises``.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from toxicity_ml.text.deobfuscation import Lexicon, Piece, default_lexicon, undisguised
from toxicity_ml.text.pieces import joined_text, pieces_of, spans_of

Span = tuple[int, int]

MAX_CHARACTERS = 40_000
"""A longer text is read at both ends, half of this at each; the middle counts as one space."""
MAX_WORD = 100
"""WordPiece turns a longer word into one unknown token, so such words are broken
(``max_input_chars_per_word``)."""
MAX_MARKS = 4
"""Combining marks kept on one character; no language needs more, and stacked ones cost the tokenizer
dearly."""

_LONG_WORD = re.compile(rf"[^\W_]{{{MAX_WORD + 1},}}")
_CHUNK = re.compile(r"\s+|\S{1,200}")
_ASCII_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_SPACE = "\t\n\r\v\f\x85"
_WIDTHS_AND_FONTS = ("<font>", "<wide>", "<narrow>", "<small>")
_LETTER_FORMS = ("<circle>", "<square>", "<super>", "<sub>", "<compat>")


@dataclass(frozen=True)
class Repaired:
    """A repaired text and its offset map."""

    text: str
    spans: tuple[Span, ...]
    """For each character of ``text`` the (start, end) in the original that it came from: within the
    original's length, never going back; empty where a space was put in to break a long word."""
    changed: tuple[Span, ...] = ()
    """(start, end) places in ``text`` where a disguise was undone, in order; none in a text that was only
    repaired in its encoding."""


def repair(text: str, lexicon: Lexicon | None = None, *, restores_encoding: bool = True) -> Repaired:
    """Undo damage in the encoding of a text and the disguise of its words, leaving what it says.

    First ``repair_encoding``; then, one word at a time: look-alike letters of other alphabets, HTML inside a
    word, dotted, dashed and spaced letters, leet, repeated and starred letters, where the word is then one of
    the lexicon. lexicon: the rude words of ``disguises.lexicon`` by default. restores_encoding: False leaves
    garbled UTF-8 as it is, and needs no library. Any string is accepted; a text without any of these comes
    back as it is.
    """
    pieces = _pieces(text, restores_encoding)
    plain, changed = undisguised(pieces, lexicon or default_lexicon())
    return _broken(plain, changed) if changed else _broken(pieces)


def forms(
    text: str, lexicon: Lexicon | None = None, *, restores_encoding: bool = True
) -> tuple[Repaired, ...]:
    """The ways to read a text: repaired in its encoding; and, only where it differs, also undisguised."""
    pieces = _pieces(text, restores_encoding)
    found, changed = undisguised(pieces, lexicon or default_lexicon())
    plain = _broken(pieces)
    return (plain, _broken(found, changed)) if changed else (plain,)


def repair_encoding(text: str, *, breaks_words: bool = True) -> Repaired:
    """Undo damage and disguise in the encoding of a text; words stay as they were written.

    Cut to MAX_CHARACTERS (head and tail); garbled UTF-8 restored (ftfy); surrogate pairs joined and lone ones
    dropped; control, zero-width and bidirectional characters dropped; full-width, mathematical and other
    styled letters made plain (NFKC, each character by itself; signs such as ™, ½ and … stay); runs of
    combining marks cut to MAX_MARKS; words over MAX_WORD broken. Any string is accepted, plain ASCII comes
    back as it is. breaks_words: False leaves long words whole, for tokenizers that read them piece by piece.
    """
    if len(text) <= MAX_CHARACTERS and _is_plain(text):
        ends = range(1, len(text) + 1)
        return Repaired(text, tuple(zip(range(len(text)), ends, strict=True)))
    pieces = _pieces(text)
    if breaks_words:
        return _broken(pieces)
    return Repaired(joined_text(pieces), spans_of(pieces))


def _pieces(text: str, restores_encoding: bool = True) -> list[Piece]:
    """The characters after all of the repair but the breaking of long words."""
    pieces: list[Piece] = []
    for part, offset in _ends(text):
        if pieces:
            pieces.append((" ", pieces[-1][2], offset))
        pieces.extend(_repaired(part, offset, restores_encoding))
    return pieces


def _is_plain(text: str) -> bool:
    return text.isascii() and _ASCII_CONTROL.search(text) is None and _LONG_WORD.search(text) is None


def _ends(text: str) -> list[tuple[str, int]]:
    if len(text) <= MAX_CHARACTERS:
        return [(text, 0)]
    half = MAX_CHARACTERS // 2
    return [(text[:half], 0), (text[-half:], len(text) - half)]


def _repaired(text: str, offset: int, restores_encoding: bool) -> list[Piece]:
    pieces = pieces_of(text, offset)
    if not (text.isascii() and _ASCII_CONTROL.search(text) is None):
        if _SURROGATE.search(text):
            pieces = _joined_surrogates(pieces)
        if restores_encoding:
            pieces = _restored_encoding(pieces)
        pieces = _bounded_marks(_plain_characters(pieces))
    return pieces


def _joined_surrogates(pieces: list[Piece]) -> list[Piece]:
    """Pairs become the character they stand for; lone surrogates, which no tokenizer takes, go."""
    joined: list[Piece] = []
    for character, start, end in pieces:
        if "\udc00" <= character <= "\udfff" and joined and "\ud800" <= joined[-1][0] <= "\udbff":
            high, first, _ = joined.pop()
            pair = (high + character).encode("utf-16", "surrogatepass").decode("utf-16")
            joined.append((pair, first, end))
        else:
            joined.append((character, start, end))
    return [piece for piece in joined if not "\ud800" <= piece[0] <= "\udfff"]


def _restored_encoding(pieces: list[Piece]) -> list[Piece]:
    """UTF-8 once read as another encoding (``donâ€™t``), chunk by chunk, so that spans stay as narrow as a
    word."""
    text = joined_text(pieces)
    if text.isascii():
        return pieces
    badness, fix_encoding = _ftfy()
    if not badness(text):
        return pieces
    restored: list[Piece] = []
    for match in _CHUNK.finditer(text):
        chunk = pieces[match.start() : match.end()]
        fixed = match.group() if match.group().isascii() else fix_encoding(match.group())
        if fixed == match.group():
            restored.extend(chunk)
        else:
            restored.extend((character, chunk[0][1], chunk[-1][2]) for character in fixed)
    return restored


@lru_cache(maxsize=1)
def _ftfy() -> tuple[Callable[[str], bool], Callable[[str], str]]:
    import ftfy
    from ftfy.badness import is_bad

    return is_bad, ftfy.fix_encoding


def _plain_characters(pieces: list[Piece]) -> list[Piece]:
    read = {character: _plain(character) for character in {character for character, _, _ in pieces}}
    if all(character == plain for character, plain in read.items()):
        return pieces
    return [(plain, start, end) for character, start, end in pieces for plain in read[character]]


@lru_cache(maxsize=8192)
def _plain(character: str) -> str:
    """What to read for one character: nothing, itself, or the letters that it is a styled form of."""
    if (character.isascii() and character.isprintable()) or character in _LINE_SPACE:
        return character
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs") or _is_invisible(character):
        return ""
    form = unicodedata.decomposition(character)
    plain = unicodedata.normalize("NFKC", character)
    if form.startswith(_WIDTHS_AND_FONTS):
        return plain
    is_letter = plain.isalpha() and (len(plain) == 1 or "\ufb00" <= character <= "\ufb06")
    return plain if form.startswith(_LETTER_FORMS) and is_letter else character


def _is_invisible(character: str) -> bool:
    """True for fillers, joiners and variation selectors, which show nothing whatever their category."""
    return (
        character in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\ufffc\ufffd"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0000" <= character <= "\U000e0fff"
    )


def _bounded_marks(pieces: list[Piece]) -> list[Piece]:
    marks = {character for character in {character for character, _, _ in pieces} if _is_mark(character)}
    if not marks:
        return pieces

    def kept() -> Iterator[Piece]:
        run = 0
        for piece in pieces:
            run = run + 1 if piece[0] in marks else 0
            if run <= MAX_MARKS:
                yield piece

    return list(kept())


def _is_mark(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character)[0] == "M"


def _broken(pieces: list[Piece], changed: tuple[Span, ...] = ()) -> Repaired:
    """The text of these pieces, words over MAX_WORD broken and the changed places moved along."""
    text = joined_text(pieces)
    breaks = [
        at
        for match in _LONG_WORD.finditer(text)
        for at in range(match.start() + MAX_WORD, match.end(), MAX_WORD)
    ]
    if breaks:
        pieces = pieces.copy()
        for at in reversed(breaks):
            pieces.insert(at, (" ", pieces[at][1], pieces[at][1]))
        text = joined_text(pieces)
        changed = tuple(
            (start + bisect_right(breaks, start), end + bisect_left(breaks, end)) for start, end in changed
        )
    return Repaired(text, spans_of(pieces), changed)
