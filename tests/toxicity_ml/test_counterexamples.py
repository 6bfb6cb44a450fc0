"""Texts of our own: different, labelled, free of surface cues, and apart from those held out for testing."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from datasets import Dataset

from toxicity_ml import corpora
from toxicity_ml.augmentation.counterexamples import FAMILIES, TOXIC_SHARE, counterexamples
from toxicity_ml.augmentation.phrases.words import GROUPS, HELD_OUT_GROUPS, HELD_OUT_WORDS, WORDS
from toxicity_ml.labels import JIGSAW_LABELS


@pytest.fixture(scope="module")
def rows() -> Dataset:
    return counterexamples(3000, seed=1)


@pytest.fixture(scope="module")
def held_out() -> Dataset:
    return counterexamples(1000, seed=1, held_out=True)


def toxic(rows: Dataset) -> np.ndarray:
    """1, 0 or NaN for each row."""
    return np.array([labels[0] for labels in rows["labels"]])


def family(rows: Dataset) -> list[str]:
    return [sample.removeprefix("counterexample ") for sample in rows["sample"]]


def test_every_text_differs_and_is_finished(rows: Dataset, held_out: Dataset) -> None:
    for found in (rows, held_out):
        texts = list(found["text"])
        assert len({corpora.folded(text) for text in texts}) == len(texts)
        assert not [text for text in texts if re.search(r"[\[\]{}|]|\(n\)|\s\s| [,.!?]|^\s|\s$|^$", text)]


def test_the_seed_decides(rows: Dataset) -> None:
    assert list(counterexamples(50, seed=4)["text"]) == list(counterexamples(50, seed=4)["text"])
    assert set(counterexamples(50, seed=4)["text"]) != set(counterexamples(50, seed=5)["text"])


def test_labels_are_the_familys(rows: Dataset) -> None:
    by_name = {one.name: one.labels for one in FAMILIES}
    for name, labels in zip(family(rows), rows["labels"], strict=True):
        assert np.array_equal(labels, by_name[name], equal_nan=True)
    assert by_name["friendly"] == by_name["reported_insult"] == (0.0,) * len(JIGSAW_LABELS)
    threat = dict(zip(JIGSAW_LABELS, by_name["veiled_threat"], strict=True))
    assert threat["toxic"] == threat["threat"] == 1 and np.isnan(threat["insult"])
    assert dict(zip(JIGSAW_LABELS, by_name["hostile"], strict=True))["identity_hate"] == 1
    slang = dict(zip(JIGSAW_LABELS, by_name["slang_abuse"], strict=True))
    assert slang["toxic"] == 1 and np.isnan(slang["threat"])


CUES: dict[str, Callable[[str], bool]] = {
    "a quotation mark": lambda text: '"' in text,
    "no mark at the end": lambda text: text[-1].isalnum(),
    "an exclamation mark": lambda text: "!" in text,
    "a question mark": lambda text: "?" in text,
    "lower case": str.islower,
    "upper case": str.isupper,
    "more than twenty words": lambda text: len(text.split()) > 20,
    "fewer than seven words": lambda text: len(text.split()) < 7,
    "not": lambda text: re.search(r"\bnot\b|n't\b", text.lower()) is not None,
    "you": lambda text: re.search(r"\byou\b", text.lower()) is not None,
    "a strong word of the lists": lambda text: any(word in text.lower() for word in WORDS["fool"]),
    "kill": lambda text: "kill" in text.lower(),
}


@pytest.mark.parametrize("cue", CUES)
def test_no_surface_cue_decides(rows: Dataset, cue: str) -> None:
    truth = toxic(rows)
    has = np.array([CUES[cue](text) for text in rows["text"]]) & ~np.isnan(truth)
    assert has.sum() > 20
    assert 0.15 < truth[has].mean() < 0.85


def test_every_group_is_named_in_friendly_and_hostile_texts_alike(rows: Dataset) -> None:
    truth = toxic(rows)
    texts = [text.lower() for text in rows["text"]]
    for word in {group.adj.lower() for group in GROUPS}:
        people = {group.people.lower() for group in GROUPS if group.adj.lower() == word}
        names = re.compile(rf"\b(?:{'|'.join(map(re.escape, [word, *people]))})\b")
        share = truth[[names.search(text) is not None for text in texts]]
        assert {0.0, 1.0} <= set(share) and len(share) >= 5, word
        assert len(share) < 20 or 0.25 < np.nanmean(share) < 0.65, word
    assert np.nanmean(truth) == pytest.approx(TOXIC_SHARE, abs=0.03)


def test_what_is_held_out_occurs_nowhere_else(rows: Dataset, held_out: Dataset) -> None:
    assert not set(rows["source"]) & set(held_out["source"])
    texts = " \n ".join(rows["text"]).lower()
    for group in HELD_OUT_GROUPS:
        for name in {group.people, group.person}:
            assert re.search(rf"\b{re.escape(name.lower())}\b", texts) is None, name
    for name in ("fool", "dull"):
        assert not set(WORDS[name]) & set(HELD_OUT_WORDS[name])
    assert {"greeting", "sarcasm"} <= set(family(held_out)) - set(family(rows))


def test_every_family_and_template_is_drawn_about_equally(rows: Dataset) -> None:
    uses = Counter(rows["source"])
    templates = {one.name: len(one.templates) for one in FAMILIES if one.templates}
    assert set(family(rows)) == set(templates) and len(uses) == sum(templates.values())
    for name in templates:
        of_family = [uses[corpora.text_key(t)] for one in FAMILIES if one.name == name for t in one.templates]
        assert min(of_family) >= 0.4 * np.mean(of_family) and max(of_family) <= 2 * np.mean(of_family), name


def test_every_word_list_that_a_template_names_exists() -> None:
    for one in FAMILIES:
        for template in one.templates + one.held_out:
            named = set(re.findall(r"\{(\w+)\}", template))
            assert named <= {*WORDS, "adj", "people", "person"}, template
            assert template.count("[") == template.count("]")


def test_a_split_keeps_each_template_on_one_side(rows: Dataset) -> None:
    rest, aside = corpora.split(rows, 0.3, seed=1)
    assert len(aside) > 300 and not set(rest["source"]) & set(aside["source"])


def test_more_texts_than_the_phrases_give_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [one for one in FAMILIES if one.name in ("greeting", "group_threat", "sarcasm", "slang_harmless")]
    monkeypatch.setattr("toxicity_ml.augmentation.phrases.composing.FAMILIES", tuple(few))
    with pytest.raises(ValueError, match="ask for fewer"):
        counterexamples(2000, held_out=True)
