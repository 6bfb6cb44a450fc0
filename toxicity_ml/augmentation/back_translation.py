"""Back-translation: into a pivot language and back (Sennrich, Haddow and Birch 2016; as augmentation for
classification Edunov et al. 2018 and Xie et al. 2020, "Unsupervised Data Augmentation")."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from toxicity_ml.augmentation.near_copies import NEAREST, distinct
from toxicity_ml.augmentation.seq2seq import Generation, Seq2Seq

MARIAN = "Helsinki-NLP/opus-mt-{source}-{target}"
"""The hub's Marian models for a pair of languages."""


@dataclass(frozen=True)
class BackTranslation:
    """Makes copies of texts by way of another language; see ``augment``."""

    there: Seq2Seq
    back: Seq2Seq
    there_prefix: str = ""
    """What the model wants before a text: T5 *translate English to German:*, a Marian model of several
    languages *>>deu<<*."""
    back_prefix: str = ""
    options: Generation = field(default_factory=Generation)
    nearest: float = NEAREST
    """Drop copies more alike than this (``near_copies.similarity``) to their text or to each other."""
    pivots: int = 2
    """Translations of each text that are translated back."""

    @classmethod
    def by_way_of(
        cls,
        pivot: str,
        options: Generation | None = None,
        nearest: float = NEAREST,
        device: str | None = None,
    ) -> "BackTranslation":
        """English by way of ``pivot`` (``de``, ``fr``, ``ru`` ...) and back, with the hub's Marian models.

        Raises ModelNotFound when one of them can't be had.
        """
        there = Seq2Seq.load(MARIAN.format(source="en", target=pivot), device)
        back = Seq2Seq.load(MARIAN.format(source=pivot, target="en"), device)
        return cls(there, back, options=options or Generation(), nearest=nearest)

    def augment(self, texts: Sequence[str], n: int = 1) -> list[list[str]]:
        """For each text, in order, at most ``n`` distinct copies; none for a text too long for the models."""
        pivots = self.there.generate(
            [self.there_prefix + text if text.strip() else "" for text in texts], self.pivots, self.options
        )
        owners = [index for index, found in enumerate(pivots) for _ in found]
        translated = [self.back_prefix + pivot for found in pivots for pivot in found]
        options = replace(self.options, seed=self.options.seed + 1)
        returned = self.back.generate(translated, n, options)
        candidates: list[list[list[str]]] = [[] for _ in texts]
        for owner, found in zip(owners, returned, strict=True):
            candidates[owner].append(found)
        return [
            distinct(text, _in_turn(found), self.nearest)[:n]
            for text, found in zip(texts, candidates, strict=True)
        ]


def _in_turn(lists: Sequence[Sequence[str]]) -> list[str]:
    """The best of each list, then the second of each, and so on."""
    longest = max((len(found) for found in lists), default=0)
    return [found[rank] for rank in range(longest) for found in lists if rank < len(found)]
