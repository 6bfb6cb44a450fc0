"""The model that comes with the package, as its users meet it. Missing, it fails these tests."""

# ruff: noqa: RUF001  look-alike letters are what is tested

import json
import subprocess
import sys

import pytest

from toxicity_ml import Classifier
from toxicity_ml.labels import JIGSAW_LABELS


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


def test_it_has_the_jigsaw_labels_in_their_order(classifier: Classifier) -> None:
    assert classifier.labels == JIGSAW_LABELS


@pytest.mark.parametrize(
    "text",
    [
        "you are an idiot",
        "You're a stupid piece of shit, shut the fuck up.",
        "What a pathetic moron you are.",
        "Thank you for the article, it is well researched. " * 100 + "You are a fucking idiot.",
        "ｙｏｕ ａｒｅ ａｎ ｉｄｉｏｔ",
        "you are an id\u200biot",
    ],
)
def test_an_insult_is_flagged(classifier: Classifier, text: str) -> None:
    assert {"toxic", "insult"} <= set(classifier.labels_over_threshold(classifier.predict(text)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "you are a wonderful person",
        "Thank you, that was very helpful!",
        "I think the second paragraph needs a source. The figures are from 2011.",
        "Could somebody explain why the table was moved to the end?",
        "Congratulations to the whole team. I enjoyed every minute of it.",
        "\U0001f600\U0001f389",
    ],
)
def test_a_friendly_comment_is_clear(classifier: Classifier, text: str) -> None:
    assert classifier.labels_over_threshold(classifier.predict(text)) == []


def test_int8_is_within_its_limits_of_what_was_trained(classifier: Classifier) -> None:
    from toxicity_ml.publishing.export import Parity

    assert Parity(**classifier.manifest.metrics["int8_parity"]).objections() == []


def test_the_two_lines_of_the_readme() -> None:
    lines = b'{"text":"you are a wonderful person"}\n{"text":"you are an idiot"}\n'
    done = subprocess.run(
        [sys.executable, "-m", "toxicity_ml", "predict"], input=lines, capture_output=True, check=True
    )
    friendly, insult = map(json.loads, done.stdout.splitlines())
    assert friendly["labels"] == []
    assert {"toxic", "insult"} <= set(insult["labels"])
