"""Finds the word that a score rests on most by leaving each word out; asks a model for scores alone."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

PASSAGE = 40
"""Words of a passage: of a longer text only the passage with the highest score of its own is searched."""
_WORD = re.compile(r"\S+")
_EDGES = "\"'\u2018\u2019\u201c\u201d.,;:!?()[]{}<>=|/\\-\u2013\u2014\u2026~"

Predict = Callable[[Sequence[str]], np.ndarray]
Span = tuple[int, int]


@dataclass(frozen=True)
class DecisiveWord:
    """A word of a text, by its (start, end), and what its absence does to a score."""

    start: int
    end: int
    score_without: float
    """The label's probability for the whole text without the word."""


def decisive_words(
    texts: Sequence[str], columns: Sequence[int], predict: Predict
) -> list[DecisiveWord | None]:
    """For each text the word without which the label's score is lowest; None for a text without a word.

    columns: the label of each text, a column of what predict returns. predict: texts -> float (n, n_labels).
    Leave-one-out (Li et al. 2016, *Understanding neural networks through representation erasure*): of two
    equally strong words neither counts for much. A text of n words costs itself twice and PASSAGE passages.
    """
    words = [[match.span() for match in _WORD.finditer(text)] for text in texts]
    passages = _passages(texts, columns, words, predict)
    pieces = [
        text[start:left] + text[right:end]
        for text, spans in zip(texts, passages, strict=True)
        for start, end in [_extent(spans)]
        for left, right in spans
    ]
    scores = iter(
        _scores(pieces, [c for c, spans in zip(columns, passages, strict=True) for _ in spans], predict)
    )
    chosen = [
        _trimmed(text, *spans[int(np.argmin([next(scores) for _ in spans]))]) if spans else None
        for text, spans in zip(texts, passages, strict=True)
    ]
    found = [at for at, span in enumerate(chosen) if span is not None]
    without = [texts[at][: span[0]] + texts[at][span[1] :] for at in found if (span := chosen[at])]
    left_over = iter(_scores(without, [columns[at] for at in found], predict))
    return [None if span is None else DecisiveWord(*span, next(left_over)) for span in chosen]


def _passages(
    texts: Sequence[str], columns: Sequence[int], words: Sequence[list[Span]], predict: Predict
) -> list[list[Span]]:
    """The words of each text that are searched: all, or those of the passage that scores highest alone."""
    parts = [
        [spans[at : at + PASSAGE] for at in range(0, len(spans), PASSAGE)] if len(spans) > PASSAGE else []
        for spans in words
    ]
    passage_texts = [
        text[slice(*_extent(part))] for text, of_text in zip(texts, parts, strict=True) for part in of_text
    ]
    scores = iter(
        _scores(
            passage_texts, [c for c, of_text in zip(columns, parts, strict=True) for _ in of_text], predict
        )
    )
    return [
        of_text[int(np.argmax([next(scores) for _ in of_text]))] if of_text else spans
        for spans, of_text in zip(words, parts, strict=True)
    ]


def _extent(spans: Sequence[Span]) -> Span:
    return (spans[0][0], spans[-1][1]) if spans else (0, 0)


def _scores(texts: Sequence[str], columns: Sequence[int], predict: Predict) -> list[float]:
    if not texts:
        return []
    scores = predict(texts)
    return [float(scores[at, column]) for at, column in enumerate(columns)]


def _trimmed(text: str, start: int, end: int) -> Span:
    """The word without the marks around it, unless it is nothing else."""
    word = text[start:end]
    left = len(word) - len(word.lstrip(_EDGES))
    right = len(word.rstrip(_EDGES))
    return (start + left, start + right) if left < right else (start, end)
