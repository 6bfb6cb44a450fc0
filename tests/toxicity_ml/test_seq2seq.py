"""Back-translation and paraphrase through real, tiny Marian and T5 models from disk; what is dropped, and
what is refused."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toxicity_ml.augmentation.back_translation import BackTranslation
from toxicity_ml.augmentation.near_copies import NearTexts, distinct, similarity
from toxicity_ml.augmentation.paraphrase import Paraphrase
from toxicity_ml.augmentation.seq2seq import Generation, Seq2Seq
from toxicity_ml.errors import DataError, ModelNotFound

THERE = {
    "you are a fool": "du bist ein narr",
    "the garden is lovely": "der garten ist schoen",
    "please read the rules": "bitte lies die regeln",
}
BACK = {
    "du bist ein narr": "what a fool you are",
    "der garten ist schoen": "the garden is lovely",
    "bitte lies die regeln": "read those rules please",
}
REPHRASED = {
    "paraphrase: you are a fool": "you must be some idiot",
    "paraphrase: the garden is lovely": "what a lovely garden",
}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.toxicity_ml.tiny_seq2seq import build_marian

    return build_marian(tmp_path_factory.mktemp("models") / "there", THERE)


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.toxicity_ml.tiny_seq2seq import build_marian

    return build_marian(tmp_path_factory.mktemp("models") / "back", BACK)


@pytest.fixture(scope="module")
def t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.toxicity_ml.tiny_seq2seq import build_t5

    return build_t5(tmp_path_factory.mktemp("models") / "t5", REPHRASED)


def test_a_text_goes_to_the_other_language_and_back_in_other_words(there: Path, back: Path) -> None:
    translation = BackTranslation(Seq2Seq.load(there), Seq2Seq.load(back), pivots=1)
    copies = translation.augment(list(THERE))
    # the garden comes back as it was: no copy
    assert copies == [["what a fool you are"], [], ["read those rules please"]]


def test_copies_are_few_enough_distinct_and_not_near(there: Path, back: Path) -> None:
    translation = BackTranslation(
        Seq2Seq.load(there), Seq2Seq.load(back), options=Generation(sample=True, temperature=3.0), pivots=4
    )
    texts = list(THERE)
    found = translation.augment(texts, 3)
    assert any(len(copies) > 1 for copies in found)
    for text, copies in zip(texts, found, strict=True):
        assert len(copies) <= 3
        for copy in copies:
            assert copy.strip()
            assert all(similarity(copy, other) <= 0.8 for other in (text, *copies) if other is not copy)


def test_a_paraphrase_is_asked_for_with_the_models_prefix(t5: Path) -> None:
    model = Seq2Seq.load(t5)
    assert Paraphrase(model).augment(["the garden is lovely", "you are a fool"]) == [
        ["what a lovely garden"],
        ["you must be some idiot"],
    ]
    (stricter,) = Paraphrase(model, nearest=0.1).augment(["the garden is lovely"])
    assert "what a lovely garden" not in stricter


def test_outputs_come_in_input_order_whatever_the_batches(there: Path) -> None:
    model = Seq2Seq.load(there)
    for size in (1, 2, 5):
        found = model.generate([*THERE, *THERE], 1, Generation(batch_size=size))
        assert found == [[text] for text in (*THERE.values(), *THERE.values())]
    several = model.generate(list(THERE), 3)
    assert [outputs[0] for outputs in several] == list(THERE.values())
    assert all(1 < len(outputs) == len(set(outputs)) <= 3 for outputs in several)


def test_what_is_drawn_depends_on_the_seed_and_leaves_torch_alone(t5: Path) -> None:
    import torch

    model = Seq2Seq.load(t5)
    state = torch.random.get_rng_state()
    texts = ["paraphrase: you are a fool"]
    drawn = [model.generate(texts, 4, Generation(sample=True, temperature=2, seed=s)) for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_text_too_long_for_the_model_is_not_cut_and_an_empty_one_not_invented(there: Path) -> None:
    model = Seq2Seq.load(there)
    found = model.generate(["", " ", "fool " * 60, "you are a fool"])
    assert [bool(outputs) for outputs in found] == [False, False, False, True]
    assert BackTranslation(model, model).augment(["", "fool " * 60]) == [[], []]


def test_a_model_that_is_not_there_or_not_safe_is_refused_with_what_to_do(
    there: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFound, match="does not exist"):
        Seq2Seq.load("/nowhere/model")
    pickled = shutil.copytree(there, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelNotFound, match="save_pretrained"):
        Seq2Seq.load(pickled)
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(there / "model.safetensors", bare)
    with pytest.raises(ModelNotFound, match="can't be loaded"):
        Seq2Seq.load(bare)


def test_a_name_that_the_hub_cannot_give_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound, match="opus-mt-en-xx"):
        BackTranslation.by_way_of("xx")


@pytest.mark.parametrize("options", [{"beams": 0}, {"temperature": 0}, {"top_p": 0}, {"batch_size": 0}])
def test_impossible_options_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(DataError):
        Generation(**options)


# --- near copies -----------------------------------------------------------------------------------


def test_similarity_folds_case_and_punctuation_and_sees_the_order() -> None:
    assert similarity("You, FOOL!", "you fool") == 1
    assert similarity("the dog bites", "a cat sleeps") == 0
    assert 0 < similarity("dog bites man", "man bites dog") < 1
    assert similarity("!!!", "???") == 0


def test_near_empty_and_astray_candidates_are_dropped() -> None:
    text = "one two three four five six seven eight nine ten eleven twelve"
    near = text + " thirteen"
    other = "six five four three two one and then twelve eleven ten"
    repeating = "one two " * 40
    assert distinct(text, [text.upper(), near, "", " ", "one", repeating, other, other + "!"]) == [other]
    assert distinct(text, [near], nearest=0.95) == [near]


WORDS = st.text("abcde ", max_size=14)


@settings(max_examples=60)
@given(st.lists(WORDS, max_size=8), WORDS, st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]))
def test_near_texts_finds_what_comparing_all_would(texts: list[str], text: str, nearest: float) -> None:
    expected = [index for index, other in enumerate(texts) if similarity(text, other) >= nearest]
    assert NearTexts(texts, nearest).find(text) == expected
