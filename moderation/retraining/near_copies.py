"""Finds which texts read nearly the same, as the queue's hint on earlier decisions has it, among 10,000s.

Two texts whose words overlap by a share t have a word in common among the first few, if the words of both
are put in one order: so only those are indexed, the rarest first, and all pairs are found without comparing
each text with each (prefix filtering; Bayardo, Ma & Srikant 2007).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from moderation.review.same_text import LEAST_SHARE, share_of_words, words_of


class NearCopies:
    """An index of texts, asked for those that read nearly like another one."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [words_of(text) for text in texts]
        self._frequency = Counter(word for words in self._words for word in words or ())
        self._places: dict[str, list[int]] = defaultdict(list)
        self._first: dict[frozenset[str], int] = {}
        self.copy_of = list(range(len(texts)))
        """For each text the first one with the very same words."""
        for place, words in enumerate(self._words):
            if words is None:
                continue
            self.copy_of[place] = self._first.setdefault(words, place)
            if self.copy_of[place] == place:
                for word in self._prefix(words):
                    self._places[word].append(place)

    def near(self, text: str) -> list[int]:
        """Return the places of the texts that are nearly like this one, each set of words once.

        A text with fewer than five different words is like others by chance, and has none.
        """
        words = words_of(text)
        return [] if words is None else [place for place, _ in self._found(words)]

    def join(self, root: Callable[[int], int], join: Callable[[int, int], None]) -> None:
        """Join the places of all pairs, comparing none whose places are joined already.

        root: returns what stands for all that is joined with a place. A wave of 10,000 near copies has as
        many pairs as half of all there are, and is one group after the first of them.
        """
        joined: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, words in enumerate(self._words):
            if self.copy_of[place] != place:
                join(place, self.copy_of[place])
            elif words is not None:
                prefix = self._prefix(words)
                for together in [others for word in prefix for others in joined[word].values()]:
                    for other in together:
                        if root(other) == root(place):
                            break
                        if share_of_words(words, self._words[other] or frozenset()) >= LEAST_SHARE:
                            join(place, other)  # the larger group keeps what stands for it
                            break
                for word in prefix:
                    joined[word][root(place)].append(place)

    def _found(self, words: frozenset[str]) -> Iterator[tuple[int, float]]:
        seen: set[int] = set()
        for word in self._prefix(words):
            for place in self._places.get(word, ()):
                if place in seen:
                    continue
                seen.add(place)
                share = share_of_words(words, self._words[place] or frozenset())
                if share >= LEAST_SHARE:
                    yield place, share

    def _prefix(self, words: frozenset[str]) -> list[str]:
        length = len(words) - math.ceil(LEAST_SHARE * len(words)) + 1
        return sorted(words, key=lambda word: (self._frequency[word], word))[:length]


def groups(texts: Sequence[str], text_keys: Sequence[str]) -> list[int]:
    """Number the groups of texts that read the same or nearly the same; one number for each text, from 0 on.

    Nearness is handed on: of a chain in which each reads nearly like the next, all are one group.
    """
    parents = list(range(len(texts)))

    def root(place: int) -> int:
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    def join(one: int, other: int) -> None:
        parents[root(one)] = root(other)

    first: dict[str, int] = {}
    for place, key in enumerate(text_keys):
        join(place, first.setdefault(key, place))
    NearCopies(texts).join(root, join)
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(place), len(numbers)) for place in range(len(texts))]
