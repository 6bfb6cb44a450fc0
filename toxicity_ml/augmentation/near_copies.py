"""Measures how alike two texts are; finds copies too near to teach anything, and texts of another set."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

NEAREST = 0.8
"""Copies more alike than this to their text, or to each other, are dropped. One word of twelve changed is
about .77, one of sixteen .83."""
LENGTHS = (0.4, 2.5)
"""A copy with fewer or more words than these multiples of the text's is a model going astray: it breaks off,
or repeats itself."""

_WORD = re.compile(r"[^\W_]+")

Grams = frozenset[str]


def grams(text: str) -> Grams:
    """The words and pairs of neighbouring words of a text, case and punctuation folded; of a text without
    words, the text."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    pairs = (f"{one} {other}" for one, other in pairwise(words))
    return frozenset((*words, *pairs)) or frozenset({" ".join(text.split())})


def similarity(text: str, other: str) -> float:
    """Jaccard similarity of the texts' words and word pairs: 0 nothing in common, 1 the same but for case,
    punctuation and repetition."""
    return _jaccard(grams(text), grams(other))


def distinct(text: str, candidates: Iterable[str], nearest: float = NEAREST) -> list[str]:
    """The candidates, in order, without those that are empty, astray (LENGTHS) or more alike than ``nearest``
    to the text or to one before them."""
    length = len(_WORD.findall(text))
    kept, seen = [], [grams(text)]
    for candidate in candidates:
        words = len(_WORD.findall(candidate))
        if not candidate.strip() or not math.floor(LENGTHS[0] * length) <= words <= LENGTHS[1] * length + 1:
            continue
        candidate_grams = grams(candidate)
        if all(_jaccard(candidate_grams, other) <= nearest for other in seen):
            kept.append(candidate)
            seen.append(candidate_grams)
    return kept


class NearTexts:
    """Finds the texts of a set that are at least ``nearest`` alike to a given one, without comparing it to
    all of them.

    Two sets with a Jaccard similarity of t share one of the rarest (1 - t) of the elements of each: the
    prefix filter of Chaudhuri, Ganti and Kaushik 2006, "A Primitive Operator for Similarity Joins in Data
    Cleaning".
    """

    def __init__(self, texts: Sequence[str], nearest: float = NEAREST) -> None:
        self._nearest = nearest
        self._grams = [grams(text) for text in texts]
        self._counts = Counter(gram for found in self._grams for gram in found)
        self._by_gram: dict[str, list[int]] = defaultdict(list)
        for index, found in enumerate(self._grams):
            for gram in self._prefix(found):
                self._by_gram[gram].append(index)

    def find(self, text: str) -> list[int]:
        """Return the indices, rising, of the texts that are that much alike."""
        text_grams = grams(text)
        candidates = {
            index
            for gram in self._prefix(text_grams)
            if gram in self._by_gram
            for index in self._by_gram[gram]
        }
        return sorted(
            index for index in candidates if _jaccard(text_grams, self._grams[index]) >= self._nearest
        )

    def _prefix(self, found: Grams) -> list[str]:
        shared = math.ceil(self._nearest * len(found) - 1e-9)  # .7 * 10 is a little over 7 in floating point
        return sorted(found, key=lambda gram: (self._counts[gram], gram))[: len(found) - shared + 1]


def _jaccard(one: Grams, other: Grams) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common)
