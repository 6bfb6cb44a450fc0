"""The words that speak most for a label, in texts of any length, at a bounded cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from toxicity_ml import Classifier
from toxicity_ml.errors import DataError
from toxicity_ml.explanation import Word, driving_words
from toxicity_ml.explanation.passages import (
    CHARACTERS_OF_A_PASSAGE,
    PASSAGES,
    PASSAGES_READ,
    WORDS_OF_A_PASSAGE,
)

HARMLESS = "The train was late again, and my neighbour told me about her garden. "
INSULTS = {
    "You are a complete idiot and everybody knows it.": "idiot",
    "What a moron, he can't even park his car.": "moron",
    "The mayor is a corrupt bastard.": "bastard",
    "Only a retard would believe this.": "retard",
    "All of them are scum and should be locked up.": "scum",
    "Nice try, dumbass.": "dumbass",
    "This article is utter crap.": "crap",
    "That hat makes you look like a clown, you jerk.": "jerk",
}


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(threads=1)


class Counting:
    """Hands texts on to a classifier, and notes them."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self.labels, self.task = classifier.labels, classifier.task
        self.asked: list[str] = []

    def logits(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        self.asked += texts
        return self._classifier.logits(texts, progress=progress)


def strongest(words: Sequence[Word]) -> str:
    return max(words, key=lambda word: word.value).text


@pytest.mark.parametrize(("text", "insult"), INSULTS.items())
def test_the_strongest_word_is_the_insult(classifier: Classifier, text: str, insult: str) -> None:
    assert strongest(driving_words(classifier, text, "toxic")) == insult


def test_of_several_insults_each_is_named_though_one_would_do(classifier: Classifier) -> None:
    words = driving_words(classifier, "You are a stupid idiot and a moron, Bob.", "insult")
    assert {word.text for word in words if word.value > 1} >= {"stupid", "idiot", "moron"}
    twice = driving_words(classifier, "idiot, idiot, idiot", "insult")
    assert all(word.value > 1 for word in twice if word.text == "idiot")


def test_an_insult_in_a_long_harmless_text_is_found_at_its_place(classifier: Classifier) -> None:
    text = HARMLESS * 100 + "You are an idiot, Bob. " + HARMLESS * 100
    words = driving_words(classifier, text, "insult")
    word = max(words, key=lambda each: each.value)
    assert (word.text, word.start) == ("idiot", text.index("idiot"))
    assert list(words) == sorted(words, key=lambda each: each.start)


@pytest.mark.parametrize("text", ["!" * 50_000, HARMLESS * 1000, "1d10t " * 9000, "\u202eabc" * 20_000])
def test_the_cost_is_bounded_whatever_the_text(classifier: Classifier, text: str) -> None:
    counting = Counting(classifier)
    driving_words(counting, text[:6000] + text[-6000:], "insult")  # type: ignore[arg-type]
    assert len(counting.asked) <= PASSAGES_READ + PASSAGES * (2 * WORDS_OF_A_PASSAGE + 4)
    assert all(len(asked) <= CHARACTERS_OF_A_PASSAGE for asked in counting.asked if " " in asked.strip())


def test_a_text_without_words_has_none(classifier: Classifier) -> None:
    assert driving_words(classifier, " \u200b\n", "toxic") == ()


def test_an_unknown_label_is_refused(classifier: Classifier) -> None:
    with pytest.raises(DataError, match="nonsense"):
        driving_words(classifier, "hello", "nonsense")
