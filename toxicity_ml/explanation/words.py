"""The words of a text as a BERT tokenizer splits them, each with its place in the original text, and the
windows in which a model reads them. Needs no model and no torch."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from toxicity_ml.inference.tokenizer_files import read_tokenizer
from toxicity_ml.inference.windows import WindowEncoder
from toxicity_ml.manifest import Manifest
from toxicity_ml.text.repair import Repaired, Span

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_APOSTROPHES = "'\u2019\u02bc"
_CJK = (
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
    *((0x20000, 0x2A6DF), (0x2A700, 0x2CEAF), (0x2F800, 0x2FA1F)),
)
"""Characters of which the tokenizer takes each as a word."""


@dataclass(frozen=True)
class Window:
    """One window as the model reads it."""

    ids: np.ndarray
    """Token ids, int64 (length,), [CLS] and [SEP] included."""
    spans: tuple[Span, ...]
    """(start, end) in the original text of each token; empty (start = end) for [CLS] and [SEP]."""


@dataclass(frozen=True)
class Reading:
    """A text as a model version reads it."""

    words: tuple[Span, ...]
    """As ``split_words``."""
    windows: tuple[Window, ...]
    """Those of the text as it was written and, where disguises were undone, those of the undisguised one
    around them. None for a text without any token."""
    count: int
    """In how many windows the text is read, in whichever way that takes more; 0 without any token."""


def read(directory: str | Path, text: str) -> Reading:
    """The words of a text, and the windows that a version's ``WindowEncoder`` gives.

    A version without ``reads_both_forms`` reads the text only as it was written. Raises ModelNotFound or
    ModelDamaged.
    """
    manifest = Manifest.load(directory)
    encoder = WindowEncoder.of(directory, manifest)
    readings = encoder.readings(text)
    if not readings:
        return Reading((), (), 0)
    windows = [ids for of_one, _ in readings for ids in of_one]
    tokenizer, _ = read_tokenizer(directory)
    forms = encoder.forms(text)
    located = [
        Window(ids, ((spans[0][0], spans[0][0]), *spans, (spans[-1][1], spans[-1][1])))
        for ids, spans in zip(windows, _token_spans(windows, tokenizer, forms, manifest.stride), strict=True)
    ]
    count = max(count for _, count in readings)
    return Reading(tuple(split_words(text, forms[-1])), tuple(located), count)


def split_words(text: str, repaired: Repaired) -> list[Span]:
    """(start, end) in the original text of each word, in code points, in order, never overlapping.

    repaired: the form of the text whose words are meant; in the undisguised one ``i.d.i.o.t`` is one word.

    A word is what the tokenizer takes as one: a run without white space and punctuation, or one sign of
    punctuation, or one ideograph; contractions stay whole. What repair took away inside or right after a
    character (zero-width signs, variation selectors) belongs to its word.
    """
    words: list[Span] = []
    for first, last in _runs(repaired.text):
        start, end = repaired.spans[first][0], repaired.spans[last - 1][1]
        following = repaired.spans[last][0] if last < len(repaired.spans) else len(text)
        while end < following and unicodedata.category(text[end])[0] in "MC" and not text[end].isspace():
            end += 1
        if words and start < words[-1][1]:
            # two words out of the same characters, such as the halves of a broken encoding
            words[-1] = (words[-1][0], max(words[-1][1], end))
        elif start < end:
            words.append((start, end))
    return words


def utf16_offsets(text: str) -> list[int]:
    """For each code point of the text, and for its end, the number of UTF-16 units before it."""
    offsets = [0]
    for character in text:
        offsets.append(offsets[-1] + (2 if character > "\uffff" else 1))
    return offsets


def word_of_token(words: Sequence[Span], spans: Sequence[Span]) -> np.ndarray:
    """Index of the first word that each token shares a character with, int64 (n_tokens,); -1 for none."""
    starts, ends = np.array([span[0] for span in words]), np.array([span[1] for span in words])
    word_of = np.full(len(spans), -1, dtype=np.int64)
    for token, (start, end) in enumerate(spans):
        word = int(np.searchsorted(ends, start, side="right"))
        if start < end and word < len(words) and starts[word] < end:
            word_of[token] = word
    return word_of


def whole_words(words: Sequence[Span], window: Window) -> list[Span]:
    """The words that a window reads from end to end, or of a single longer one what there is of it."""
    touched = [words[index] for index in np.unique(word_of_token(words, window.spans)) if index >= 0]
    first, last = window.spans[0][0], window.spans[-1][1]
    return [(start, end) for start, end in touched if first <= start and end <= last] or touched[:1]


def _token_spans(
    windows: Sequence[np.ndarray], tokenizer: "Tokenizer", found: Sequence[Repaired], stride: int
) -> Iterator[list[Span]]:
    """Original spans of each window's tokens without [CLS] and [SEP]. Every window starts at a multiple of
    the stride in one of the forms, so it's looked for there; each place is given once."""
    places: list[tuple[list[int], list[Span]]] = []
    for form in found:
        encoding = tokenizer.encode(form.text, add_special_tokens=False)
        spans = [_original(form, start, end) for start, end in encoding.offsets]
        places.extend((encoding.ids[at:], spans[at:]) for at in range(0, len(spans), stride))
    for window in windows:
        inner = window[1:-1].tolist()
        place = next(place for place in places if place[0][: len(inner)] == inner)
        places.remove(place)
        yield place[1][: len(inner)]


def _original(form: Repaired, start: int, end: int) -> Span:
    """The place in the original text of these characters of a form; an empty one where there are none, as of
    a SentencePiece token that only says that a word begins."""
    if start < end:
        return form.spans[start][0], form.spans[end - 1][1]
    place = form.spans[start][0] if start < len(form.spans) else form.spans[-1][1]
    return place, place


def _runs(text: str) -> Iterator[Span]:
    """(first, last + 1) of each word of a repaired text."""
    start = None
    for index, character in enumerate(text):
        kind = _kind(character)
        is_joining = (
            character in _APOSTROPHES
            and start is not None
            and index + 1 < len(text)
            and text[index - 1].isalnum()
            and text[index + 1].isalnum()
        )
        if kind == "word" or is_joining:
            start = index if start is None else start
            continue
        if start is not None:
            yield start, index
            start = None
        if kind == "sign":
            yield index, index + 1
    if start is not None:
        yield start, len(text)


def _kind(character: str) -> str:
    """``space``, ``sign`` for a word of its own, or ``word`` for a part of one (as BertPreTokenizer)."""
    if character.isspace():
        return "space"
    if character.isalnum() and not any(low <= ord(character) <= high for low, high in _CJK):
        return "word"
    if character.isascii() or unicodedata.category(character)[0] == "P" or character.isalnum():
        return "sign"
    return "word"
