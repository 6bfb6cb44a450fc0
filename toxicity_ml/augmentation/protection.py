"""Finds the words that carry a label, so that an augmentation can leave them alone."""

import math
from collections import Counter
from collections.abc import Sequence

from toxicity_ml.augmentation.eda import FUNCTION_WORDS, WORD

PER_LABEL = 200
"""Words that are protected for a label, at most; the surest first."""
SURE = 3.0
"""Standard errors by which a word must be more frequent in the rows with the label."""
LEAST_ROWS = 3
"""Rows with the label that a word must occur in."""


def label_words(
    texts: Sequence[str], labels: Sequence[Sequence[float]], per_label: int = PER_LABEL
) -> frozenset[str]:
    """The words, in lower case, that rows with a label have clearly more often than rows without it.

    texts: n; labels: (n, n_labels), NaN = masked, true from .5. By the log odds ratio of a row's having the
    word and its standard error (Woolf 1955, with the half added to each count that Haldane and Anscombe 1956
    propose). Function words are left out.
    """
    words = [{match.lower() for match in WORD.findall(text)} - FUNCTION_WORDS for text in texts]
    protected: set[str] = set()
    for column in range(len(labels[0]) if labels else 0):
        sides: tuple[list[set[str]], list[set[str]]] = ([], [])
        for row, said in zip(words, labels, strict=True):
            if not math.isnan(said[column]):
                sides[said[column] < 0.5].append(row)
        protected.update(_surest(*sides)[:per_label])
    return frozenset(protected)


def _surest(having: Sequence[set[str]], lacking: Sequence[set[str]]) -> list[str]:
    """Words of rows having the label that are surely more frequent there, the surest first."""
    having_counts = Counter(word for row in having for word in row)
    there = Counter(word for row in lacking for word in row)
    sure: list[tuple[float, str]] = []
    for word, count in having_counts.items():
        cells = (
            count + 0.5,
            len(having) - count + 0.5,
            there[word] + 0.5,
            len(lacking) - there[word] + 0.5,
        )
        ratio = math.log(cells[0] / cells[1]) - math.log(cells[2] / cells[3])
        score = ratio / math.sqrt(sum(1 / cell for cell in cells))
        if count >= LEAST_ROWS and score > SURE:
            sure.append((-score, word))
    return [word for _, word in sorted(sure)]
