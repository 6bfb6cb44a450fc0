"""Texts on which an imported checkpoint is compared with itself, of several languages and scripts."""

from collections.abc import Iterable

from toxicity_ml.augmentation.counterexamples import counterexamples
from toxicity_ml.publishing.golden import CANNED_TEXTS, OTHER_LANGUAGES

COMPOSED = 64
"""English texts that are composed of the phrases that augmentation has."""


def sample_texts(more: Iterable[str] = ()) -> list[str]:
    """Return texts of all kinds, and those that are given, each once."""
    others = (text for of_one in OTHER_LANGUAGES.values() for text in of_one)
    composed = list(counterexamples(COMPOSED)["text"])
    return list(dict.fromkeys((*CANNED_TEXTS, *others, *composed, *more)))
