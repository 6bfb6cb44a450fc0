"""Names the likely causes of a wrong judgement, by plain rules that a reader can check by eye.

A *strong word* is one that reaches a threshold all by itself. Several causes may hold; the first in the order
below is named first, because it explains most.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from toxicity_ml.reporting.identity_terms import mentioned

CONFIDENT = 0.9
"""A score from which the model is sure, where nobody gave the label."""
UNMOVED = 0.05
"""Share of the threshold that the score of a true label must reach, or the model is sure that it's false."""
NEARLY = 0.6
"""Share of the threshold from which a miss is a near one."""
LONG = 150
"""Words from which a comment is long: about what one window of the model reads."""

EXPLANATIONS = {
    "strong word quoted": "the strong word stands in quotation marks or in a quoted line",
    "strong word negated": "a negation stands up to four words before the strong word",
    "identity term": "the word that decides names a group, or a group is named and no word is strong",
    "label noise": f"the model disagrees confidently: a score from {CONFIDENT:g} where nobody gave a "
    f"label, or under {100 * UNMOVED:g} % of the threshold where somebody did",
    "strong word in harmless use": "a word that reaches the threshold by itself, in a text without the label",
    "strong word outweighed": "a word that reaches the threshold by itself does not in this text",
    "contrast": "a *but*, *although*, *though*, *however* or *despite* turns the text",
    "word disguised": "a word with a star, sign or digit inside, or letters set apart",
    "just under the threshold": f"the score is at least {100 * NEARLY:g} % of the threshold",
    "shouting": "more than half of the letters are capitals, or exclamation marks stand in a row",
    "stripped punctuation": "eight words or more without any punctuation",
    "long text": f"{LONG} words or more",
    "no strong word": "no single word reaches a threshold: it is said without one, or with an unknown one",
    "other": "no rule holds",
}
"""Cause: when it is named. In this order."""
_FALSE_POSITIVE = (
    *("strong word quoted", "strong word negated", "identity term", "label noise"),
    *("strong word in harmless use", "shouting", "stripped punctuation", "long text"),
)
_WRONG_CLASS = (
    *("strong word quoted", "strong word negated", "contrast", "label noise", "strong word in harmless use"),
    *("shouting", "stripped punctuation", "long text", "no strong word"),
)
_FALSE_NEGATIVE = (
    *("word disguised", "strong word quoted", "strong word negated", "just under the threshold"),
    *("strong word outweighed", "label noise", "long text", "stripped punctuation", "no strong word"),
)

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_QUOTED = re.compile(
    r"\"[^\"\n]{1,300}\"|\u201c[^\u201d\n]{1,300}\u201d|\u00ab[^\u00bb\n]{1,300}\u00bb"
    r"|(?<!\w)['\u2018][^'\u2019\n]{1,300}['\u2019](?!\w)|(?m:^[ \t]*>.*$)"
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|nobody|none|without|hardly|cannot|nor|neither"
    r"|(?:is|are|was|were|do|does|did|has|have|had|ca|wo|could|would|should|ai|must|need)n['\u2019]?t)\b",
    re.IGNORECASE,
)
_DISGUISED = re.compile(
    r"(?<=[^\W\d_])(?:[*$0-9]+|@(?!\w+\.))(?=[^\W\d_])"
    r"|(?<!\w)[^\W\d_]([ .\-_*])(?:[^\W\d_]\1){2,50}[^\W\d_](?!\w)"
)
_CONTRAST = re.compile(r"\b(?:but|although|though|however|despite|nevertheless)\b", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[^\w\s]")
_EXCLAIMED = re.compile(r"!{3,}")


@dataclass(frozen=True)
class Judged:
    """A comment that was judged wrongly, as the rules look at it."""

    text: str
    score: float
    """Of the label that went wrong furthest."""
    threshold: float
    strong: tuple[tuple[int, int], ...]
    """(start, end) of the words of the text that reach a threshold by themselves."""
    decisive: tuple[int, int] | None
    """(start, end) of the word that the score rests on most, where it was looked for."""


def strong_words(
    texts: Sequence[str], predict: Callable[[Sequence[str]], np.ndarray], thresholds: Sequence[float]
) -> frozenset[str]:
    """The words of these texts, in lower case, that reach the threshold of any label standing alone."""
    words = sorted({match.group().lower() for text in texts for match in WORD.finditer(text)})
    if not words:
        return frozenset()
    over = np.any(predict(words) >= np.asarray(thresholds), axis=1)
    return frozenset(word for word, is_strong in zip(words, over, strict=True) if is_strong)


def strong_spans(text: str, strong: frozenset[str]) -> tuple[tuple[int, int], ...]:
    """Where the strong words of a text stand."""
    return tuple(match.span() for match in WORD.finditer(text) if match.group().lower() in strong)


def causes_of_false_positive(judged: Judged) -> list[str]:
    """The causes that hold, the most telling first; ``["other"]`` when none does."""
    return _holding(_FALSE_POSITIVE, judged, judged.score >= CONFIDENT)


def causes_of_false_negative(judged: Judged) -> list[str]:
    """The causes that hold, the most telling first; ``["other"]`` when none does."""
    return _holding(_FALSE_NEGATIVE, judged, judged.score <= UNMOVED * judged.threshold)


def causes_of_wrong_class(judged: Judged) -> list[str]:
    """The causes for a single-label text, whose score is that of the class taken."""
    return _holding(_WRONG_CLASS, judged, judged.score >= CONFIDENT)


def _holding(order: Sequence[str], judged: Judged, is_confident: bool) -> list[str]:
    text = judged.text
    spans = judged.strong
    words = len(text.split())
    holds = {
        "strong word quoted": any(_within_quotes(text, *span) for span in spans),
        "strong word negated": any(_is_negated(text, span[0]) for span in spans),
        "identity term": _names_group(judged),
        "label noise": is_confident,
        "strong word in harmless use": bool(spans),
        "strong word outweighed": bool(spans),
        "contrast": _CONTRAST.search(text) is not None,
        "word disguised": _DISGUISED.search(text) is not None,
        "just under the threshold": NEARLY * judged.threshold <= judged.score,
        "shouting": _is_shouted(text),
        "stripped punctuation": words >= 8 and _PUNCTUATION.search(text) is None,
        "long text": words >= LONG,
        "no strong word": not spans,
    }
    return [cause for cause in order if holds[cause]] or ["other"]


def _within_quotes(text: str, start: int, end: int) -> bool:
    return any(match.start() <= start and end <= match.end() for match in _QUOTED.finditer(text))


def _is_negated(text: str, start: int) -> bool:
    before = " ".join(text[max(0, start - 60) : start].split()[-4:])
    return _NEGATION.search(before) is not None


def _names_group(judged: Judged) -> bool:
    spans = [span for found in mentioned(judged.text).values() for span in found]
    if judged.decisive is None:
        return bool(spans) and not judged.strong
    start, end = judged.decisive
    return any(first < end and start < last for first, last in spans)


def _is_shouted(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    capitals = sum(character.isupper() for character in letters)
    return (len(letters) >= 10 and capitals > len(letters) / 2) or _EXCLAIMED.search(text) is not None
