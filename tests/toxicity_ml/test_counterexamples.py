"""Training texts of our own: distinct, balanced, with a held-out part that shares nothing with the rest."""

import math
import re

import numpy as np
import pytest

from toxicity_ml.augmentation.counterexamples import FAMILIES, counterexamples
from toxicity_ml.augmentation.phrases.grammar import draw, words_of
from toxicity_ml.augmentation.phrases.words import GROUPS, HELD_OUT_GROUPS, HELD_OUT_WORDS, WORDS
from toxicity_ml.corpora import text_key
from toxicity_ml.labels import JIGSAW_LABELS

TOXIC, IDENTITY_HATE = JIGSAW_LABELS.index("toxic"), JIGSAW_LABELS.index("identity_hate")


def test_three_thousand_texts_are_all_different_and_the_same_with_their_seed() -> None:
    rows = counterexamples(3000, seed=5)
    assert len({text_key(text) for text in rows["text"]}) == 3000
    assert rows["text"][:50] == counterexamples(3000, seed=5)["text"][:50]
    assert rows["text"][:50] != counterexamples(3000, seed=6)["text"][:50]
    assert not any(re.search(r"[\[\]{}|]|a\(n\)", text) for text in rows["text"])


def test_naming_a_group_tells_nothing_about_toxicity() -> None:
    rows = counterexamples(2000, seed=1)
    groups = {family.name for family in FAMILIES if family.names_group}
    named = np.array([sample.split()[-1] in groups for sample in rows["sample"]])
    toxic = np.nan_to_num(np.asarray(rows["labels"], dtype=float)[:, TOXIC]) >= 0.5
    assert 0.45 < named.mean() < 0.55
    assert abs(toxic[named].mean() - toxic[~named].mean()) < 0.05
    hate = np.asarray(rows["labels"], dtype=float)[:, IDENTITY_HATE] >= 0.5
    assert not hate[~named].any() and (hate[named] == toxic[named]).all()


def test_a_group_is_as_often_in_friendly_texts_as_in_hostile_ones() -> None:
    rows = counterexamples(3000, seed=2)
    toxic = np.nan_to_num(np.asarray(rows["labels"], dtype=float)[:, TOXIC]) >= 0.5
    for word in ("Muslim", "gay", "trans", "autistic", "Mexican"):
        holds = np.array([word.lower() in text.lower() for text in rows["text"]])
        assert holds[toxic].sum() >= 5 and holds[~toxic].sum() >= 5


def test_what_is_held_out_is_never_trained_on() -> None:
    for family in FAMILIES:
        assert not set(family.templates) & set(family.held_out)
    assert {group.people for group in GROUPS}.isdisjoint(group.people for group in HELD_OUT_GROUPS)
    trained = set(counterexamples(2000, seed=3)["text"])
    held_out = counterexamples(300, seed=3, held_out=True)
    assert trained.isdisjoint(held_out["text"])
    assert any(not family.templates for family in FAMILIES)  # whole families, too


def test_every_template_finds_its_words() -> None:
    import random

    chance = random.Random(0)
    slots = {"adj": ["kind"], "people": ["people"], "person": ["person"]}
    for family in FAMILIES:
        for templates, words in ((family.templates, WORDS), (family.held_out, HELD_OUT_WORDS)):
            for template in templates:
                assert words_of(template) <= words.keys() | slots.keys(), template
                text = draw(template, {**words, **slots}, chance)
                assert text and not re.search(r"[\[\]{}|]", text)
        assert all(value in (0, 1) or math.isnan(value) for value in family.labels)


def test_more_texts_than_the_phrases_give_are_refused() -> None:
    with pytest.raises(ValueError, match="ask for fewer"):
        counterexamples(30_000, held_out=True)
