"""Changes of training texts: noise, joining, stripping, mixup, repeated rows."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml import corpora
from toxicity_ml.augmentation.joining import join, joined_labels
from toxicity_ml.augmentation.mixup import mixed, proportion
from toxicity_ml.augmentation.noise import add_noise
from toxicity_ml.augmentation.stripping import strip_case, strip_punctuation
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.training.batches import oversampled

SENTENCE = "Whoever wrote this wonderful article deserves every bit of praise that people give it"


def test_stripping_removes_punctuation_and_joins_contractions() -> None:
    stripped = strip_punctuation("Don't! You\u2019re... (really) off-topic")
    assert stripped.split() == ["Dont", "Youre", "really", "off", "topic"]
    assert strip_case("Don't SHOUT") == "don't shout"


def test_noise_changes_about_the_share_of_words_that_was_asked_for() -> None:
    generator = np.random.default_rng(1)
    changed = 0
    for _ in range(300):
        noisy = add_noise(SENTENCE, generator, share=0.25)
        pairs = zip(noisy.split(), SENTENCE.split(), strict=True)
        changed += sum(one != other for one, other in pairs)
    # of 14 words 13 have three letters; a fifth of the errors leaves the word as it is (a swap of equals)
    assert 0.18 < changed / (300 * 13) < 0.28


def test_noise_hits_the_words_that_carry_a_label_more_often() -> None:
    generator = np.random.default_rng(1)
    hit = sum("idiot" not in add_noise("what an idiot wrote this", generator, share=0.1) for _ in range(400))
    assert 0.6 < hit / 400 < 0.85


def test_noise_makes_every_kind_of_error_and_each_is_one_step_away() -> None:
    generator = np.random.default_rng(2)
    found = {add_noise("idiots", generator, share=1.0) for _ in range(400)}
    assert {"diiots", "idots", "idiiots", "idi*ts", "idoits"} <= found
    assert all(abs(len(word) - 6) <= 1 for word in found)


@given(st.text(max_size=60), st.integers(0, 2**32))
def test_noise_takes_any_text_and_repeats_itself_with_its_seed(text: str, seed: int) -> None:
    once = add_noise(text, np.random.default_rng(seed), share=0.5)
    assert once == add_noise(text, np.random.default_rng(seed), share=0.5)
    assert bool(once.strip()) == bool(text.strip())


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        add_noise("a text", np.random.default_rng(0), share=1.5)


def test_joined_texts_come_in_both_orders_with_the_labels_of_either() -> None:
    generator = np.random.default_rng(3)
    found = {join("rude. ", " kind", generator) for _ in range(30)}
    assert found == {"rude. kind", "kind rude."}
    labels = joined_labels(np.array([1, 0, 0, math.nan, 1]), np.array([0, 0, 1, 0, math.nan]))
    assert labels[:3].tolist() == [1, 0, 1] and math.isnan(labels[3]) and labels[4] == 1


def test_mixup_blends_values_and_keeps_masks() -> None:
    values = torch.tensor([[1.0, 0.0], [0.0, math.nan]])
    blend = mixed(values, torch.tensor([1, 0]), 0.75)
    assert blend[0, 0] == 0.75 and blend[1, 0] == 0.25
    assert torch.isnan(blend[:, 1]).all()
    torch.manual_seed(0)
    drawn = [proportion(0.2) for _ in range(500)]
    assert all(0.5 <= share <= 1 for share in drawn) and 0.8 < np.mean(drawn) < 0.95
    with pytest.raises(ValueError, match="alpha"):
        proportion(0.0)


def test_rows_with_rare_labels_are_repeated_by_the_root_of_their_rarity() -> None:
    rare = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    rows = corpora.from_rows(
        [{"text": f"text {n}", "labels": rare if n < 4 else [0.0] * 6} for n in range(400)], JIGSAW_LABELS
    )
    repeated = oversampled(rows, threshold=0.09)  # share 0.01: sqrt(9) = 3 times
    texts = list(repeated["text"])
    assert all(texts.count(f"text {n}") == 3 for n in range(4))
    assert all(texts.count(f"text {n}") == 1 for n in range(4, 400))
    assert len(oversampled(rows, threshold=0.001)) == 400
