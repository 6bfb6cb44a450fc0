"""Undo what hides a word from the tokenizer but not from a reader: look-alike letters, markup inside words,
separated letters, leet, repeated and starred letters.

Linear in the text. Changes only what then reads as a word of the lexicon (or mixes alphabets in one word), so
that names and abbreviations stay; addresses, file names and templates are never touched.
"""

import re
from itertools import groupby

from toxicity_ml.text.deobfuscation.lexicon import Lexicon, default_lexicon
from toxicity_ml.text.deobfuscation.markup import without_markup
from toxicity_ml.text.deobfuscation.separated import separated_words
from toxicity_ml.text.deobfuscation.words import plain_word
from toxicity_ml.text.pieces import MARK, Edit, Piece, applied, folded_text, joined_text

__all__ = ["Lexicon", "Piece", "default_lexicon", "undisguised"]

_WORD = re.compile(rf"(?:[^\W_]|[{MARK}@$!+|*#%€£¢¥§])+")
_EDGES = f"+|*#%{MARK}"
_CUT_AT_THE_END = "+|*#%!@"
_ADDRESS = re.compile(
    r"://|^\W{0,3}www\.|[\w.+-]{1,64}@[\w-]{1,63}\.\w|"
    r"\.(?:com|org|net|jpe?g|png|gif|svg|pdf|html?|php|js|css|txt|zip|exe|mp[34]|ogg|py|docx?)(?!\w)"
)
_TEMPLATE = re.compile(r"\{\{[^{}]{0,200}\}\}")
_CHUNK = re.compile(r"\S{1,500}")

Span = tuple[int, int]


def undisguised(pieces: list[Piece], lexicon: Lexicon) -> tuple[list[Piece], tuple[Span, ...]]:
    """The pieces, one character each, with disguised words made plain; and where in the result words changed.

    Case, accents and combining marks are left to the tokenizer.
    """
    pieces, flags = without_markup(pieces, lexicon)
    raw = joined_text(pieces)
    text = folded_text(raw)
    words = _words(text)
    edits: list[Edit] = []
    done: set[int] = set()
    for first, last, found in separated_words(pieces, text, words, lexicon):
        if done.isdisjoint(range(first, last + 1)):
            done.update(range(first, last + 1))
            edits.append((words[first][0], words[last][1], found))
    for number, (start, end) in enumerate(words):
        edit = None if number in done else plain_word(pieces, raw, text, start, end, lexicon)
        if edit:
            edits.append(edit)
    pieces, flags = applied(pieces, sorted(edits, key=lambda edit: edit[:2]), flags)
    return pieces, _ranges(flags)


def _words(text: str) -> list[Span]:
    """(start, end) of each word outside addresses, signs around it left out."""
    protected = _protected(text)
    spans: list[Span] = []
    for match in _WORD.finditer(text):
        start, end = match.span()
        if protected[start]:
            continue
        if not text[start].isalnum():
            while start < end and text[start] in _EDGES:
                start += 1
        if not text[end - 1].isalnum():
            while start < end and text[end - 1] in _CUT_AT_THE_END:
                end -= 1
        if start < end:
            spans.append((start, end))
    return spans


def _protected(text: str) -> bytearray:
    """1 for each character of an address, a file name or a template."""
    flags = bytearray(len(text))
    spans = [match.span() for match in _TEMPLATE.finditer(text)] if "{{" in text else []
    if "." in text or "://" in text:
        spans += [match.span() for match in _CHUNK.finditer(text) if _is_address(match.group())]
    for start, end in spans:
        flags[start:end] = b"\x01" * (end - start)
    return flags


def _is_address(chunk: str) -> bool:
    return ("." in chunk or "://" in chunk) and _ADDRESS.search(chunk) is not None


def _ranges(flags: list[bool]) -> tuple[Span, ...]:
    if True not in flags:
        return ()
    spans: list[Span] = []
    place = 0
    for flag, run in groupby(flags):
        length = sum(1 for _ in run)
        if flag:
            spans.append((place, place + length))
        place += length
    return tuple(spans)
