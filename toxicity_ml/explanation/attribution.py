"""Attributes a score to words by leaving words out, which asks a classifier for scores alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from toxicity_ml.classifier import NO_TEXT_LOGIT
from toxicity_ml.errors import DataError
from toxicity_ml.explanation.words import utf16_offsets
from toxicity_ml.labels import SINGLE_LABEL
from toxicity_ml.scorer import Scorer
from toxicity_ml.text.repair import Span

EMPTY_TEXT = "."
"""What stands for a text without any word: the least that a tokenizer still gives a token for."""
MAX_ORDERS = 8
TEXTS = 1000
"""Texts that ``occlusion`` scores at most by default, so that a long window takes seconds and not minutes."""


class Word(NamedTuple):
    """One word and its part in the score."""

    text: str
    """As it stands in the original."""
    start: int
    end: int
    """Code points of the original text, as Python counts."""
    utf16_start: int
    utf16_end: int
    """UTF-16 units of the original text, as JavaScript, Java and Perspective's clients count."""
    value: float
    """What the word adds to the logit; negative where it speaks against the label."""


@dataclass(frozen=True)
class Attribution:
    """Each word's part in a score. All but ``score`` are in units of log-odds."""

    text: str
    """The original text."""
    label: str
    method: str
    version: str
    score: float
    """The calibrated probability of the label, as served for the whole text."""
    words: tuple[Word, ...]
    """Words of the part that was explained, in order: the whole text, or of one that the model reads in
    several windows the one that is highest for this label."""
    windows: int
    """In how many windows the model reads the text. ``score`` is what all of them say together."""
    logit: float
    """The uncalibrated log-odds of the label for the part that was explained."""
    baseline: float
    """The same for the text that the words are compared with."""
    total: float
    """The sum of the words' values."""
    error: float
    """total - (logit - baseline)."""
    tolerance: float | None
    """How large ``error`` may be; None where the method promises no sum (``leave_one_out``)."""

    @property
    def is_complete(self) -> bool | None:
        """True where the words' values sum to the score; None where the method promises no sum."""
        return None if self.tolerance is None else abs(self.error) <= self.tolerance


def log_odds(logits: np.ndarray, column: int, task: str) -> np.ndarray:
    """Log-odds of one label, float64 (n,), from logits (n, n_labels).

    For a multi-label version the logit itself; for a single-label one the logit of the class minus the
    logarithm of the sum of the others' exponentials, which is log(p / (1 - p)) under the softmax.
    """
    chosen: np.ndarray = logits[:, column].astype(np.float64)
    if task != SINGLE_LABEL:
        return chosen
    others = np.delete(logits.astype(np.float64), column, axis=1)
    largest = others.max(axis=1, keepdims=True)
    chosen -= largest[:, 0] + np.log(np.exp(others - largest).sum(axis=1))
    return chosen


def deciding_label(scorer: Scorer, text: str) -> str:
    """The label to explain when none is named: the likeliest class of a single-label version, otherwise the
    label whose score stands highest over, or least under, its threshold."""
    scores = scorer.predict_array([text])[0].astype(np.float64)
    if scorer.task != SINGLE_LABEL:
        scores = scores - [scorer.thresholds[label] for label in scorer.labels]
    return scorer.labels[int(np.argmax(scores))]


def checked_label(labels: Sequence[str], label: str) -> int:
    """The label's column. Raises DataError, naming the labels that there are."""
    if label not in labels:
        raise DataError(f"This version has no label {label!r}; it has {', '.join(labels)}.")
    return list(labels).index(label)


def as_words(text: str, spans: Sequence[Span], values: Sequence[float] | np.ndarray) -> tuple[Word, ...]:
    """Words of a text with their values. spans: code points."""
    offsets = utf16_offsets(text)
    return tuple(
        Word(text[start:end], start, end, offsets[start], offsets[end], float(value))
        for (start, end), value in zip(spans, values, strict=True)
    )


class _Removal:
    """Computes the log-odds of one part of a text with any of its words taken out."""

    def __init__(self, scorer: Scorer, column: int, text: str, words: Sequence[Span], progress: bool) -> None:
        self._scorer, self._column, self._progress = scorer, column, progress
        starts = [0, *(end for _, end in words)]
        ends = [*(start for start, _ in words), len(text)]
        self._gaps = [text[start:end] for start, end in zip(starts, ends, strict=True)]
        self._words = [text[start:end] for start, end in words]
        self.baseline = float(self._scored([EMPTY_TEXT])[0])

    def values(self, kept: np.ndarray) -> np.ndarray:
        """kept: bool (n, n_words), which words stay. Returns log-odds, float64 (n,); each different text is
        scored once."""
        texts = [self._joined(row) for row in kept]
        different = list(dict.fromkeys(texts))
        value_of = dict(zip(different, self._scored(different), strict=True))
        return np.array([value_of[text] for text in texts], dtype=np.float64)

    def _joined(self, kept: np.ndarray) -> str:
        if self._words and not kept.any():
            return EMPTY_TEXT
        # a space, because the neighbours of what is taken out must not become one word
        words = [word if stays else " " for word, stays in zip(self._words, kept, strict=True)]
        return self._gaps[0] + "".join(word + gap for word, gap in zip(words, self._gaps[1:], strict=True))

    def _scored(self, texts: Sequence[str]) -> np.ndarray:
        logits = self._scorer.logits(texts, progress=self._progress)
        scores = log_odds(logits, self._column, self._scorer.task)
        is_empty = (logits == NO_TEXT_LOGIT).all(axis=1)  # what is left of it gives the tokenizer no token
        if is_empty.any() and list(texts) != [EMPTY_TEXT]:
            scores[is_empty] = self.baseline
        return scores


def occlude(
    scorer: Scorer,
    text: str,
    label: str,
    parts: Sequence[Sequence[Span]],
    *,
    windows: int,
    method: str,
    orders: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Attribution:
    """Attribution by taking words out of the text, through ``scorer.logits`` alone.

    parts: the words, as spans, of each window; the window with the highest log-odds is explained.
    windows: in how many windows the text is read.
    method: ``leave_one_out`` takes out one word at a time (Li et al. 2016, "Understanding Neural Networks
    through Representation Erasure"): n_words + 2 texts to score. ``occlusion`` takes all words out one after
    another in ``orders`` orders, each second one the reverse of the one before, and gives each word the mean
    of what it changed: sampled Shapley values (Castro et al. 2009; Mitchell et al. 2022, section 4 on
    reversed orders). Every order's changes sum to the whole way from the text to the baseline, so the sum is
    exact, while how it's shared grows more precise with more orders: orders * n_words texts to score.
    orders: None takes MAX_ORDERS, fewer where that were more than about TEXTS texts, at least 2.
    """
    column = checked_label(scorer.labels, label)
    words, start, end = _highest_part(scorer, column, text, parts)
    removal = _Removal(scorer, column, text[start:end], [(a - start, b - start) for a, b in words], progress)
    count = len(words)
    if method == "leave_one_out":
        values, logit = _losses(removal, ~np.eye(count, dtype=bool))
    else:
        rows = _orders(count, orders or max(2, min(MAX_ORDERS, TEXTS // max(count, 1) // 2 * 2)), seed)
        # ranks (n_orders, n_words): when each word goes; kept (n_orders, n_words + 1, n_words)
        ranks = np.argsort(rows, axis=1)
        kept = ranks[:, np.newaxis, :] >= np.arange(count + 1)[np.newaxis, :, np.newaxis]
        removal_values = removal.values(kept.reshape(len(rows) * (count + 1), count)).reshape(
            len(rows), count + 1
        )
        changes = removal_values[:, :-1] - removal_values[:, 1:]
        values = np.take_along_axis(changes, ranks, axis=1).mean(axis=0)
        logit = float(removal_values[0, 0])
    total = math.fsum(values)
    return Attribution(
        text=text,
        label=label,
        method=method,
        version=scorer.version,
        score=float(scorer.predict_array([text])[0, column]),
        words=as_words(text, words, values),
        windows=windows,
        logit=logit,
        baseline=removal.baseline,
        total=total,
        error=total - (logit - removal.baseline),
        tolerance=None if method == "leave_one_out" else 1e-6 * max(1.0, abs(logit - removal.baseline)),
    )


def parts_of_words(scorer: Scorer, column: int, text: str, words: Sequence[Span]) -> np.ndarray:
    """Return each word's part in the text's log-odds of a label, float64 (n_words,).

    The mean of what a word adds to nothing, and of what the text loses without it: the two ends of the
    orders that ``occlusion`` takes the mean of. Of three insults each alone is enough for the score, so the
    text loses little by one. A word that comes again is taken out wherever it stands. column: the label's.
    words: spans of `text`. Scores 2 * n_words + 2 texts at most, half of them of one word.
    """
    count = len(words)
    folded = [text[start:end].casefold() for start, end in words]
    is_same = np.array([[one == other for other in folded] for one in folded], dtype=bool)
    removal = _Removal(scorer, column, text, words, progress=False)
    losses, _ = _losses(removal, ~is_same.reshape(count, count))
    alone = removal.values(np.eye(count, dtype=bool)) - removal.baseline
    parts: np.ndarray = (losses + alone) / 2
    return parts


def _losses(removal: _Removal, kept: np.ndarray) -> tuple[np.ndarray, float]:
    """What the log-odds lose in each row of `kept`, bool (n, n_words), as float64 (n,); and the whole's."""
    values = removal.values(np.vstack([np.ones((1, kept.shape[1]), bool), kept]))
    return values[0] - values[1:], float(values[0])


def _highest_part(
    scorer: Scorer, column: int, text: str, parts: Sequence[Sequence[Span]]
) -> tuple[Sequence[Span], int, int]:
    """The words of the part with the highest log-odds, and where it starts and ends in the text."""
    filled = [words for words in parts if words]
    if not filled:
        return [], 0, 0
    ends = [(words[0][0], words[-1][1]) for words in filled]
    found = log_odds(scorer.logits([text[start:end] for start, end in ends]), column, scorer.task)
    chosen = int(np.argmax(found))
    return filled[chosen], *ends[chosen]


def _orders(count: int, orders: int, seed: int) -> np.ndarray:
    """int64 (orders, count): orders in which to take words out; the first is from left to right, and each
    second one is the reverse of the one before."""
    generator = np.random.default_rng(seed)
    rows: list[np.ndarray] = []
    while len(rows) < orders:
        order = generator.permutation(count) if rows else np.arange(count)
        rows += [order, order[::-1]]
    return np.stack(rows[:orders])
