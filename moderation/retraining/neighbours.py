"""Finds which of many texts has the most in common with another one, by its words and how rare these are.

Texts that share what matters and little else, as *what harbour foam wrote this* and *harbour foam, all of
you*, are neighbours, though no near copies.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CHARACTERS = 2000
"""What of a text is compared: longer ones are about too much to have neighbours."""
_WORD = re.compile(r"[^\W\d_]+")


class Neighbours:
    """An index of texts, asked for the nearest one by the cosine of their TF-IDF vectors (Salton 1975)."""

    def __init__(self, texts: Sequence[str], more: Sequence[str] = ()) -> None:
        """Index the texts. more: others of the site, which only say how frequent each word is."""
        words = [_words(text) for text in texts]
        frequency = Counter(word for found in (*words, *map(_words, more)) for word in found)
        count = len(texts) + len(more)
        self._rarity = {word: float(np.log((1 + count) / (1 + n)) + 1) for word, n in frequency.items()}
        self._count = len(texts)
        places: dict[str, list[int]] = defaultdict(list)
        for place, found in enumerate(words):
            for word in found:
                places[word].append(place)
        self._places = {word: np.array(found, dtype=np.int64) for word, found in places.items()}
        self._lengths = np.array([self._length(found) for found in words])

    def likeness(self, text: str) -> NDArray[np.float64]:
        """Return how near each text is to this one, (n_texts,): 1 has the same words, 0 none in common."""
        words = _words(text)
        products = np.zeros(self._count)
        for word in words & self._places.keys():
            products[self._places[word]] += self._rarity[word] ** 2
        lengths = self._lengths * self._length(words)
        found: NDArray[np.float64] = np.divide(products, lengths, out=products, where=lengths > 0)
        return found

    def _length(self, words: frozenset[str]) -> float:
        rarest = float(np.log(1 + self._count)) + 1
        return float(np.sqrt(sum(self._rarity.get(word, rarest) ** 2 for word in sorted(words))))


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text[:CHARACTERS].lower()))
