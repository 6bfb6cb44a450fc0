"""A version of several languages, its tokenizer in other pieces than words: published, served, explained."""

# ruff: noqa: RUF001  signs of other scripts

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.toxicity_ml.tiny_tongues import LANGUAGES, RUDE, build_tongues
from toxicity_ml import Classifier, language
from toxicity_ml.errors import ModelDamaged
from toxicity_ml.explanation import attention, driving_words
from toxicity_ml.inference.tokenizer_files import read_tokenizer
from toxicity_ml.inference.windows import WindowEncoder
from toxicity_ml.manifest import Manifest
from toxicity_ml.publishing.golden import CANNED_TEXTS, golden_texts

KINDS = ("unigram", "bytes")
TEXTS = (
    "du bist ein blöde Dummkopf",
    "obrigado por este artigo",
    "我们很喜欢这篇文章",
    "you are a stupid friend",
    "größere Gärten 🌻 não é música",
)

Built = Callable[[str], Path]


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A version by the kind of its tokenizer, made once. Read only."""
    place = tmp_path_factory.mktemp("tongues")

    def of(kind: str) -> Path:
        if not (place / kind).exists():
            build_tongues(place / kind, kind)
        return place / kind

    return of


@pytest.mark.parametrize("kind", KINDS)
def test_rude_words_of_each_language_are_found(kind: str, version: Built) -> None:
    classifier = Classifier.load(version(kind), threads=1)
    for friendly in ("thank you for this good article", "danke für diesen schönen Beitrag"):
        assert classifier.predict(friendly)["toxic"] < 0.5
    for words in RUDE.values():
        assert classifier.predict(" ".join(3 * words))["toxic"] > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_equal_alone_and_in_company(kind: str, version: Built) -> None:
    classifier = Classifier.load(version(kind), threads=2)
    texts = [*TEXTS, "danke für diesen Beitrag, " * 60 + "du Dummkopf"]
    together = classifier.predict_array(texts)
    alone = np.concatenate([classifier.predict_array([text]) for text in texts])
    assert np.array_equal(together, alone)
    assert np.array_equal(classifier.predict_array(texts[::-1])[::-1], together)


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_text_is_read_to_its_end(kind: str, version: Built) -> None:
    classifier = Classifier.load(version(kind), threads=1)
    friendly = "danke für diesen schönen Beitrag, wir mögen größere Gärten. " * 20
    plain, rude = classifier.predict_array([friendly, f"{friendly} Dummkopf Dummkopf blöde Dummkopf"])
    toxic = classifier.labels.index("toxic")
    assert len(classifier._encoder.windows(friendly)) > 1
    assert plain[toxic] < rude[toxic]


@pytest.mark.parametrize("kind", KINDS)
def test_the_driving_word_is_named_at_its_place(kind: str, version: Built) -> None:
    classifier = Classifier.load(version(kind), threads=1)
    for text, rude in (
        ("danke für diesen schönen Beitrag, du Dummkopf", "Dummkopf"),
        ("obrigado por este artigo não é imbecil", "imbecil"),
    ):
        strongest = max(driving_words(classifier, text, "toxic"), key=lambda word: word.value)
        assert (strongest.text, text[strongest.start : strongest.end]) == (rude, rude)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_lie_where_the_text_has_them(kind: str, version: Built) -> None:
    text = "größere Gärten não é"
    looks = attention(version(kind), text, "toxic")
    places = [place for place in looks.spans if place[0] < place[1]]
    covered = {at for start, end in places for at in range(start, end)}
    assert {at for at, sign in enumerate(text) if sign != " "} <= covered <= set(range(len(text)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["<s>", "</s>", "<pad>", "<mask>"])
def test_the_name_of_a_special_token_in_a_comment_is_text(kind: str, name: str, version: Built) -> None:
    encoder = WindowEncoder(version(kind), both_forms=False)
    (window,) = encoder.windows(f"du {name} bist")
    plain, _ = read_tokenizer(version(kind))
    ends = {window[0], window[-1]}
    assert len(window) > 4  # the name is in pieces
    assert not ends & set(window[1:-1].tolist())
    assert all(plain.id_to_token(int(token)).lstrip("\x00") != name for token in window[1:-1])


@pytest.mark.parametrize("kind", KINDS)
def test_other_texts_are_in_the_pieces_that_the_file_says(kind: str, version: Built) -> None:
    from tokenizers import Tokenizer

    plain = Tokenizer.from_file(str(version(kind) / "tokenizer.json"))
    served, ends = read_tokenizer(version(kind))
    for text in TEXTS:
        expected = plain.encode(text)
        found = served.encode(text, add_special_tokens=False)
        assert [ends[0], *found.ids, ends[1]] == expected.ids
        assert found.offsets == expected.offsets[1:-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_version_reads_as_its_tokenizer_and_languages_let_it(kind: str, version: Built) -> None:
    manifest = Manifest.load(version(kind))
    assert manifest.languages == LANGUAGES
    assert not manifest.disguises
    assert (
        len(Classifier.load(version(kind), threads=1)._encoder.readings("du D.u.m.m.k.o.p.f i.d.i.o.t")) == 1
    )


def test_golden_examples_are_of_the_version_s_languages(version: Built) -> None:
    golden = [entry["text"] for entry in Manifest.load(version("unigram")).canned]
    assert golden == list(golden_texts(LANGUAGES))
    assert golden_texts(["en"]) == CANNED_TEXTS


def test_what_it_can_judge_is_told_by_its_languages(version: Built) -> None:
    own = Classifier.load(version("unigram"), threads=1).languages
    for text in (
        "Das ist doch völliger Unsinn, was du hier jeden Tag schreibst, und alle wissen es.",
        "Isso é uma bobagem completa e todo mundo aqui já sabe disso há muito tempo.",
        "这篇文章的作者显然没有认真读过原来的报告，实在令人失望。",
    ):
        assert language.identify(text, own=own).is_own
        assert not language.identify(text, own=("en",)).is_own
    greek = "Αυτό το άρθρο είναι πολύ χρήσιμο και ευχαριστώ για την απάντηση."
    assert not language.identify(greek, own=own).is_own


def test_a_tokenizer_of_other_content_is_refused(version: Built, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(version("unigram"), broken)
    (broken / "tokenizer.json").write_text('{"model": {"type": "Unigram"}}', encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"tokenizer\.json"):
        read_tokenizer(broken)
