"""Finds the words of a comment that its score rests on, by masking them."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from toxicity_ml.robustness.rewrites import MASK

Score = Callable[[Sequence[str]], np.ndarray]
"""Texts to the log-odds of one label, float (n,)."""

MIN_LETTERS = 4
"""Shorter words are left alone: joining fewer letters than this would also join *U.S.* and *P.O.V*."""
MOST_WORDS = 3
"""Words of a comment that are rewritten at most."""
SMALLEST_DROP = 0.5
"""Log-odds that the comment must lose with a word for it to be rewritten beside the first."""
_GROUP, _GROUPS_OPENED = 8, 3
_WORD = re.compile(rf"(?<!\w)[A-Za-z]{{{MIN_LETTERS},20}}(?!\w)")


def toxic_words(score: Score, texts: Sequence[str]) -> list[list[str]]:
    """For each text the words whose masking, one at a time, lowers its score most, lower case.

    Up to MOST_WORDS; the first in any case, further ones from SMALLEST_DROP. A text of many words has them
    masked in groups of eight first, and only the three groups that matter most are looked into. Empty where
    a text has no word of MIN_LETTERS letters.
    """
    candidates = [list(dict.fromkeys(word.lower() for word in _WORD.findall(text))) for text in texts]
    whole = score(texts)
    grouped = [
        [words[at : at + _GROUP] for at in range(0, len(words), _GROUP)] if len(words) > 2 * _GROUP else []
        for words in candidates
    ]
    for index, drops in enumerate(_drops(score, texts, whole, grouped)):
        if grouped[index]:
            opened = np.argsort(-drops, kind="stable")[:_GROUPS_OPENED]
            candidates[index] = [word for at in sorted(opened) for word in grouped[index][at]]
    single_words = [[[word] for word in words] for words in candidates]
    by_text: list[list[str]] = []
    for words, drops in zip(candidates, _drops(score, texts, whole, single_words), strict=True):
        order = np.argsort(-drops, kind="stable")[:MOST_WORDS]
        by_text.append(
            [words[at] for rank, at in enumerate(order) if rank == 0 or drops[at] >= SMALLEST_DROP]
        )
    return by_text


def masked(text: str, words: Sequence[str]) -> str:
    """The text with each of these words, whatever its case, replaced by MASK."""
    any_word = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{any_word})(?!\w)", MASK, text, flags=re.IGNORECASE)


def _drops(
    score: Score, texts: Sequence[str], whole: np.ndarray, groups: Sequence[Sequence[Sequence[str]]]
) -> list[np.ndarray]:
    """How much each text's score loses with each of its groups of words, all texts scored at once."""
    variants = [masked(text, group) for text, own in zip(texts, groups, strict=True) for group in own]
    scores = score(variants) if variants else np.empty(0)
    ends = np.cumsum([len(own) for own in groups])
    starts = ends - [len(own) for own in groups]
    return [before - scores[start:end] for before, start, end in zip(whole, starts, ends, strict=True)]
