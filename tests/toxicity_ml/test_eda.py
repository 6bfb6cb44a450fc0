"""EDA as a user sees it: what the four operations do to a text, and what they never do; and its synonyms."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.toxicity_ml.tiny_wordnet import write_wordnet
from toxicity_ml.augmentation import synonyms as thesaurus
from toxicity_ml.augmentation.eda import (
    EDA,
    WORD,
    random_deletion,
    random_insertion,
    random_swap,
    synonym_replacement,
)
from toxicity_ml.errors import DataError

TABLE = {"garden": ["yard"], "question": ["query", "inquiry"], "fool": ["sap"], "answer": ["reply"]}
TEXT = "Thanks, that Garden question\nwas good; the GARDEN answer too!"


def synonyms(word: str) -> list[str]:
    return TABLE.get(word, [])


def words_of(text: str) -> list[str]:
    return WORD.findall(text)


@pytest.fixture
def rng() -> random.Random:
    return random.Random(3)


def test_synonym_replacement_keeps_case_and_punctuation_and_takes_one_synonym_for_a_word(
    rng: random.Random,
) -> None:
    changed = synonym_replacement("Garden, GARDEN\n(garden)!", rng, alpha=0.1, synonyms=synonyms)
    assert changed == "Yard, YARD\n(yard)!"


def test_alpha_is_the_share_of_words_that_change(rng: random.Random) -> None:
    text = " ".join(f"word{n}" for n in range(100))
    changed = synonym_replacement(text, rng, alpha=0.2, synonyms=lambda word: [word + "x"])
    assert sum(word.endswith("x") for word in changed.split()) == 20
    assert len(random_insertion(text, rng, alpha=0.2, synonyms=lambda word: [word + "x"]).split()) == 120
    moved = sum(
        one != other
        for one, other in zip(text.split(), random_swap(text, rng, alpha=0.05).split(), strict=True)
    )
    assert 2 <= moved <= 10
    left = [len(random_deletion(text, rng, p=0.3).split()) for _ in range(100)]
    assert 66 < sum(left) / 100 < 74


def test_insertion_adds_synonyms_and_leaves_every_word_in_its_order(rng: random.Random) -> None:
    changed = random_insertion(TEXT, rng, alpha=0.3, synonyms=synonyms)
    added = Counter(words_of(changed)) - Counter(words_of(TEXT))
    assert sum(added.values()) == int(0.3 * len(words_of(TEXT)))
    assert set(added) <= {"yard", "query", "inquiry", "reply"}
    rest = iter(words_of(changed))
    assert all(word in rest for word in words_of(TEXT))


def test_swap_moves_words_and_leaves_punctuation(rng: random.Random) -> None:
    changed = random_swap(TEXT, rng, alpha=0.1)
    assert changed != TEXT
    assert Counter(words_of(changed)) == Counter(words_of(TEXT))
    assert WORD.sub("_", changed) == WORD.sub("_", TEXT)


def test_deletion_leaves_one_space_and_the_punctuation(rng: random.Random) -> None:
    assert random_deletion("one two, three!", rng, p=1, protected={"one", "three"}) == "one , three!"
    assert random_deletion("a b\n\nc", rng, p=1, protected={"a", "c"}) == "a c"


@settings(max_examples=60)
@given(st.text(max_size=60), st.integers(0, 5))
def test_nothing_is_ever_emptied_or_repeated(text: str, seed: int) -> None:
    strong = EDA(1, 1, 1, 1, n_aug=6, seed=seed, synonyms=synonyms)
    copies = strong.augment(text)
    assert all(WORD.search(copy) for copy in copies)
    assert len({text, *copies}) == len(copies) + 1
    assert len(copies) <= 6
    if not WORD.search(text):
        assert copies == []


@settings(max_examples=60)
@given(st.lists(st.sampled_from(["you", "fool", "garden", "FOOL", "good", "question"]), max_size=12))
def test_protected_words_are_kept_and_none_is_put_in(words: list[str]) -> None:
    eda = EDA(1, 1, 1, 1, protected=frozenset({"Fool", "yard", "query"}), synonyms=synonyms)
    kept = sum(word.lower() == "fool" for word in words)
    for copy in eda.augment(" ".join(words)):
        found = Counter(copy.lower().split())
        assert found["fool"] == kept
        assert not found["yard"] and not found["query"] and not found["sap"]


def test_a_starred_word_is_one_word(rng: random.Random) -> None:
    text = "what the f**k is this don't half-wit"
    assert words_of(text) == ["what", "the", "f**k", "is", "this", "don't", "half-wit"]
    assert "f**k" in random_deletion(text, rng, p=1, protected={"f**k"})


def test_copies_depend_on_the_seed_and_the_text_alone() -> None:
    one, other = EDA(seed=1, synonyms=synonyms), EDA(seed=1, synonyms=synonyms)
    one.augment("something else first")
    assert one.augment(TEXT) == other.augment(TEXT)
    assert one.augment(TEXT) != EDA(seed=2, synonyms=synonyms).augment(TEXT)
    assert one.augment(TEXT, 3, random.Random(5)) == one.augment(TEXT, 3, random.Random(5))
    assert len(one.augment(TEXT, 3)) == 3


def test_an_operation_of_strength_zero_is_left_out() -> None:
    only_swap = EDA(alpha_sr=0, alpha_ri=0, p_rd=0, synonyms=synonyms)
    assert all(Counter(words_of(copy)) == Counter(words_of(TEXT)) for copy in only_swap.augment(TEXT))
    with pytest.raises(DataError, match="changes nothing"):
        EDA(0, 0, 0, 0)
    with pytest.raises(DataError, match="from 0 to 1"):
        EDA(alpha_sr=1.5)
    with pytest.raises(DataError, match="n_aug"):
        EDA(n_aug=0)


@pytest.mark.parametrize(("rows", "alpha", "copies"), [(500, 0.05, 16), (2000, 0.05, 8), (5000, 0.1, 4)])
def test_the_papers_strengths_for_a_size_of_data(rows: int, alpha: float, copies: int) -> None:
    eda = EDA.for_rows(rows, synonyms=synonyms)
    assert (eda.alpha_sr, eda.p_rd, eda.n_aug) == (alpha, alpha, copies)


# --- synonyms --------------------------------------------------------------------------------------


def test_the_shipped_table_knows_common_words_in_their_forms_and_puts_in_nothing_offensive() -> None:
    shipped = thesaurus.load("shipped")
    assert "speedy" in shipped("quick")
    assert "redacted" in shipped("Edited")
    assert {"imbeciles", "morons"} <= set(shipped("idiots"))
    assert shipped("qqqq") == shipped("123") == shipped("") == ()
    for word in ("bang", "seat", "jewish", "black", "gay", "girl", "woman"):
        assert not thesaurus.OFFENSIVE & set(shipped(word))


def test_the_licence_comes_with_the_table() -> None:
    assert "Princeton" in thesaurus.SHIPPED.with_name("WORDNET_LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("word", "ending", "expected"),
    [
        ("idiot", "s", "idiots"),
        ("box", "s", "boxes"),
        ("query", "s", "queries"),
        ("play", "ed", "played"),
        ("deny", "ed", "denied"),
        ("like", "ing", "liking"),
        ("see", "ing", "seeing"),
        ("lie", "ing", "lying"),
        ("hate", "ed", "hated"),
        ("deny", "ing", "denying"),
    ],
)
def test_regular_endings(word: str, ending: str, expected: str) -> None:
    assert thesaurus.inflected(word, ending) == expected


def test_installed_wordnet_is_used_and_the_table_derived_from_it_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(write_wordnet(tmp_path / "nltk_data"))])
    installed = thesaurus.load()
    assert installed.name == "wordnet"
    assert installed("garden") == ("yard", "plot")  # the frequent sense; the phrase and the name are left out
    assert installed("gardens") == ("yards", "plots")
    assert installed("tended") == ("cared",)  # "keep", being irregular, has no such form
    assert installed("person") == ("individual",)  # marked as a slur in WordNet's usage domains
    assert thesaurus.main(["--out", str(tmp_path / "table.json.gz")]) == 0
    derived = thesaurus.from_table(tmp_path / "table.json.gz")
    for word in ("garden", "gardens", "tended", "tend", "person", "yard", "kept"):
        assert derived(word) == installed(word)
    assert derived("plot") == () != installed("plot")  # never counted, so not a common word


def test_without_wordnet_the_shipped_table_steps_in_unless_wordnet_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import nltk

    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    assert thesaurus.load().name == "shipped"
    with pytest.raises(DataError, match=re.escape("nltk.downloader wordnet")):
        thesaurus.load("wordnet")
    with pytest.raises(DataError, match="auto, wordnet or shipped"):
        thesaurus.load("roget")
    assert thesaurus.main(["--out", str(tmp_path / "table.gz")]) == 2
    assert "nltk.downloader" in capsys.readouterr().err
    (tmp_path / "bad.gz").write_bytes(b"no table")
    with pytest.raises(DataError, match=re.escape("bad.gz is not a table")):
        thesaurus.from_table(tmp_path / "bad.gz")
