"""Examples of our own by kind of comment."""

import math
from collections import Counter

import pytest

from toxicity_ml.augmentation.kinds import kind_examples, templates
from toxicity_ml.corpora import text_key
from toxicity_ml.labels import JIGSAW_LABELS

KINDS = sorted({template.kind for template in templates()})


@pytest.fixture(scope="module")
def trained():
    return kind_examples(4, seed=1)


@pytest.fixture(scope="module")
def held_out():
    return kind_examples(4, seed=1, held_out=True)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_enough_templates_on_both_sides(kind: str) -> None:
    of_kind = [template for template in templates() if template.kind == kind]
    sides = sum(bool(template.clear) + bool(template.flagged) for template in of_kind)
    kept = sum(bool(t.clear) + bool(t.flagged) for t in of_kind if t.held_out)
    assert sides >= 60
    assert kept >= 30
    assert {t.subkind for t in of_kind if t.held_out} - {t.subkind for t in of_kind if not t.held_out}


def test_held_out_texts_are_no_training_texts(trained, held_out) -> None:
    assert not {text_key(e.text) for e in trained} & {text_key(e.text) for e in held_out}


def test_texts_are_whole(trained, held_out) -> None:
    for example in trained + held_out:
        assert example.text.strip()
        assert not set("{}[]|") & set(example.text), example.text
        assert "a(n)" not in example.text
        assert "=>" not in example.text


def test_labels_are_those_of_the_side(trained) -> None:
    for example in trained:
        assert len(example.labels) == len(JIGSAW_LABELS)
        known = [label for label in example.labels if not math.isnan(label)]
        assert all(0 <= label <= 1 for label in known)
        assert (example.labels[0] >= 0.5) == example.flagged


def test_sides_come_about_equally_often(trained) -> None:
    flagged = Counter(example.flagged for example in trained)
    assert 0.9 < flagged[True] / flagged[False] < 1.1


def test_the_same_seed_gives_the_same_texts() -> None:
    assert kind_examples(1, seed=3) == kind_examples(1, seed=3)
    assert kind_examples(1, seed=3) != kind_examples(1, seed=4)


def test_sides_of_a_pair_share_what_they_draw() -> None:
    texts = [e for e in kind_examples(1, seed=5) if e.subkind == "not said" and e.kind == "denied"]
    sides: dict[int, list[set[str]]] = {}
    for example in texts:
        sides.setdefault(example.pair, []).append(set(example.text.lower().strip(".!? ").split()))
    pairs = [both for both in sides.values() if len(both) == 2]
    assert len(pairs) >= 5
    assert all(len(clear & flagged) >= 2 for clear, flagged in pairs)
