"""A split that no copy crosses, however the rows are ordered, joined or augmented."""

import random
from collections.abc import Sequence

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from toxicity_ml import corpora
from toxicity_ml.corpora import text_key


def rows_of(texts: Sequence[str], sources: Sequence[str] | None = None) -> Dataset:
    sources = sources or [""] * len(texts)
    return corpora.from_rows(
        {"text": text, "source": source, "labels": [0.0] * 6}
        for text, source in zip(texts, sources, strict=True)
    )


TEXTS = [f"comment number {index} about subject {index * 7 % 31}" for index in range(600)]


def test_about_the_share_is_put_aside_and_nothing_is_lost_or_reordered() -> None:
    rest, aside = corpora.split(rows_of(TEXTS), 0.2, seed=1)
    assert 80 < len(aside) < 160
    assert sorted([*rest["text"], *aside["text"]]) == sorted(TEXTS)
    assert list(rest["text"]) == [text for text in TEXTS if text in set(rest["text"])]


def test_the_seed_alone_decides_not_the_order_nor_the_other_rows() -> None:
    _, aside = corpora.split(rows_of(TEXTS), 0.2, seed=1)
    turned = random.Random(0).sample(TEXTS, 300)
    _, again = corpora.split(rows_of(turned), 0.2, seed=1)
    assert set(again["text"]) == set(aside["text"]) & set(turned)
    _, other = corpora.split(rows_of(TEXTS), 0.2, seed=2)
    assert set(other["text"]) != set(aside["text"])


@pytest.mark.parametrize(
    "copy",
    [
        "HELLO there, friend!",
        "hello  there friend",
        "heeello-there friennnd",
        "\uff48ello \u201cthere\u201d friend",
    ],
)
def test_what_folding_makes_alike_shares_a_key(copy: str) -> None:
    assert text_key(copy) == text_key("hello there friend")
    assert text_key(copy) != text_key("hello there fiend")


def test_texts_of_punctuation_alone_keep_apart() -> None:
    assert text_key("?") != text_key("!") and text_key("") == text_key(" \n")


@settings(max_examples=30)
@given(data=st.data())
def test_no_family_crosses(data: st.DataObject) -> None:
    parents = TEXTS[:12]
    texts, sources = list(parents), [""] * len(parents)
    for number in range(data.draw(st.integers(1, 15))):
        chosen = data.draw(st.lists(st.sampled_from(parents), min_size=1, max_size=2))
        texts.append(f"copy {number}")
        sources.append("|".join(map(text_key, chosen)))
    rest, aside = corpora.split(rows_of(texts, sources), 0.5, data.draw(st.integers(0, 9)))

    def keys(rows: Dataset) -> set[str]:
        own = {text_key(text) for text in rows["text"]}
        return own | {key for source in rows["source"] for key in source.split("|") if key}

    assert not keys(rest) & keys(aside)
    assert len(rest) + len(aside) == len(texts)


def test_another_key_keeps_what_it_names_together() -> None:
    rest, aside = corpora.split(rows_of(TEXTS), 0.5, seed=0, key=lambda text: text.split("subject")[1])
    subjects = [{text.split("subject")[1] for text in side["text"]} for side in (rest, aside)]
    assert subjects[0] and subjects[1] and not subjects[0] & subjects[1]


def test_a_dataset_without_sources_splits_too_and_a_side_may_be_empty() -> None:
    plain = rows_of(TEXTS[:20]).remove_columns("source")
    rest, aside = corpora.split(plain, 0.0, seed=0)
    assert (len(rest), len(aside)) == (20, 0)
    assert len(corpora.split(plain, 1.0, seed=0)[1]) == 20
    with pytest.raises(ValueError, match="share"):
        corpora.split(plain, 1.5, seed=0)
