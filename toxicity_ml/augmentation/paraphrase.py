"""Paraphrases by a sequence-to-sequence model that was trained to make them (T5, BART, Pegasus ...)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from toxicity_ml.augmentation.near_copies import NEAREST, distinct
from toxicity_ml.augmentation.seq2seq import Generation, Seq2Seq

CANDIDATES = 3
"""Outputs asked for each wanted copy: most of a beam differs in a word or two and is dropped."""


@dataclass(frozen=True)
class Paraphrase:
    """Makes copies of texts in other words; see ``augment``."""

    model: Seq2Seq
    prefix: str = "paraphrase: "
    """What the model was trained to see before a text; T5 models mostly this, BART and Pegasus nothing."""
    options: Generation = field(default_factory=Generation)
    nearest: float = NEAREST
    """Drop copies more alike than this (``near_copies.similarity``) to their text or to each other."""

    def augment(self, texts: Sequence[str], n: int = 1) -> list[list[str]]:
        """For each text, in order, at most ``n`` distinct copies; none for a text too long for the model."""
        asked = [self.prefix + text if text.strip() else "" for text in texts]
        generated = self.model.generate(asked, CANDIDATES * n, self.options)
        return [
            distinct(text, candidates, self.nearest)[:n]
            for text, candidates in zip(texts, generated, strict=True)
        ]
