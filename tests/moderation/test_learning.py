"""What is learned beside the decisions, and what of it would teach back what a person corrected."""

import csv
import gzip
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from moderation.models import ModelVersion, Screening
from moderation.retraining import base_corpus, soft_targets, training_data
from moderation.retraining.learning import learning
from moderation.retraining.neighbours import Neighbours
from moderation.retraining.refusals import Refused
from moderation.retraining.training_data import Row, Sides
from moderation.review.decisions import decide
from moderation.texts import text_key
from tests.moderation.conftest import LABELS

SECRET = "a secret of this test"
ROW = Row("some text", (1.0, 0.0, math.nan), "f" * 64)


class SwearWords:
    """A classifier that flags what says damn as toxic, and is a little unsure of anything else."""

    labels = list(LABELS)
    thresholds = dict.fromkeys(LABELS, 0.5)

    def predict_array(self, texts: list[str]) -> Any:
        return np.array([[0.9 if "damn" in text else 0.1, 0.1, 0.1] for text in texts])

    def logits(self, texts: list[str]) -> Any:
        scores = self.predict_array(texts)
        return np.log(scores / (1 - scores))


def unreviewed(text: str) -> Screening:
    return Screening.objects.create(
        source="import", text=text, text_key="f" + text_key(text, SECRET)[1:], status="done", verdict="clear"
    )


def decided(text: str, *, harmful: bool) -> Row:
    return Row(text, (float(harmful), 0.0, math.nan), text_key(text, SECRET))


@pytest.mark.django_db
def test_no_soft_target_says_what_a_person_has_corrected(version: ModelVersion) -> None:
    """Neither what the active version flags nor a near copy of a judged text keeps its score."""
    judged = unreviewed("nobody here reads the copper ladder of Anna")
    labels = {**dict.fromkeys(LABELS, False), LABELS[0]: True}
    decide(judged.pk, reviewer=User.objects.create_user("ann"), kind="relabel", labels=labels)
    for text in ("a walk by the river", "damn, a walk", "nobody here reads the copper ladder of Bert"):
        unreviewed(text)
    sides = training_data.sides(LABELS, version=version)
    found = soft_targets.unreviewed(SwearWords(), sides, 10, 1)
    assert [row.text for row in found] == ["a walk by the river"]
    assert found[0].labels == pytest.approx((0.1, 0.1, 0.1)) and found[0].weight == 1.0
    assert soft_targets.unreviewed(SwearWords(), sides, 0, 1) == []


@pytest.mark.django_db
def test_no_soft_target_is_nearest_to_harm_that_the_active_version_misses(version: ModelVersion) -> None:
    """A harmless text that shares a word with it is nearest to a harmless decision, and stays."""
    for text in (
        "harbour foam, that is what you are, Bert",
        "gulls stole the bread from my boat again",
        "damn those tides",
        "a walk by the river",
    ):
        unreviewed(text)
    decisions = [
        decided("Anna, harbour foam is what you are", harmful=True),
        decided("those gulls belong back in the marsh", harmful=True),
        decided("gulls stole a fish from my boat today", harmful=False),
        decided("damn you and your river walk", harmful=True),
    ]
    kept = soft_targets.unreviewed(SwearWords(), Sides(train=decisions), 10, 1)
    assert {row.text for row in kept} == {"gulls stole the bread from my boat again", "a walk by the river"}
    # what is kept for the test tells the training nothing
    unseen = soft_targets.unreviewed(SwearWords(), Sides(test=decisions), 10, 1)
    assert len(unseen) == 3


def test_the_nearest_text_has_the_rare_words_in_common() -> None:
    index = Neighbours(["the boat and the sea", "harbour foam", "the sea and the sky", ""], ["the end"] * 20)
    assert index.likeness("you are harbour foam").argmax() == 1
    assert index.likeness("the end of harbour").argmax() == 1
    assert index.likeness("Harbour FOAM!")[1] == pytest.approx(1.0)
    assert not index.likeness("nothing of that").any() and not index.likeness("").any()


@pytest.mark.parametrize(
    ("is_preset", "weight", "labels"),
    [
        ((True, False, True), 0.5, (0.55, 0.0, math.nan)),
        ((True, False, True), 0.0, (0.1, 0.0, math.nan)),
        ((True, True, True), 1.0, (1.0, 0.0, math.nan)),
        ((), 0.5, (1.0, 0.0, math.nan)),
    ],
)
def test_a_box_that_nobody_touched_counts_less_and_the_score_for_the_rest(
    is_preset: tuple[bool, ...], weight: float, labels: tuple[float, ...]
) -> None:
    row = Row(ROW.text, ROW.labels, ROW.text_key, is_preset=is_preset)
    (found,) = soft_targets.with_presets(SwearWords(), [row], weight)
    assert found.labels == pytest.approx(labels, nan_ok=True)


@pytest.mark.django_db
def test_nothing_is_chosen_by_that_no_person_judged(version: ModelVersion) -> None:
    for number in range(30):
        unreviewed(f"text number {number} that nobody judged")
    sides = Sides(train=[ROW], dev=[ROW])
    base = [Row("of the corpus", (0.0, 0.0, 0.0), "0" * 64)]
    made = learning(SwearWords(), sides, unreviewed=20, rehearsed=60, base=base, seed=1)
    assert (made.counts["reviewed"], made.counts["base"]) == (1, 1) and made.counts["rehearsed"] > 10
    assert sum(made.counts.values()) == len(made.learned) + len(made.kept)
    assert made.chosen_by[0] == ROW
    assert all(row.weight == 0 and all(map(math.isnan, row.labels)) for row in made.chosen_by[1:])


@pytest.mark.django_db
def test_the_export_is_proved_on_as_many_texts_however_few_are_learned(version: ModelVersion) -> None:
    few, none = (
        learning(SwearWords(), Sides(train=[ROW], dev=[ROW]), unreviewed=0, rehearsed=count, seed=1)
        for count in (60, 0)
    )
    assert len(few.chosen_by) == len(none.chosen_by) > 100
    assert few.counts["rehearsed"] > none.counts["rehearsed"] == 0


@pytest.mark.django_db
def test_of_texts_that_read_alike_the_latest_keeps_its_score(version: ModelVersion) -> None:
    key = "f" * 64
    for text in ("a walk", "A  walk", "a WALK"):
        Screening.objects.create(source="import", text=text, text_key=key, status="done", verdict="clear")
    found, _ = training_data.unreviewed(training_data.side(key), 10, seed=1)
    assert found == [("a WALK", key)]


def test_a_corpus_is_rehearsed_in_part_and_reported_on_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "base.csv.gz"
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["comment_text", "toxic", "insult"])
        writer.writerows([f"text {number}", number % 2, ""] for number in range(500))
    parts = base_corpus.parted(path, ["toxic", "new", "insult"], count=100)
    assert (len(parts.rehearsed), len(parts.reported)) == (100, 400)
    texts = {row.text for row in parts.rehearsed}
    assert not texts & {row.text for row in parts.reported} and len(texts) == 100
    again = base_corpus.parted(path, ["toxic", "new", "insult"], count=100)
    assert {row.text for row in again.rehearsed} == texts
    assert 0.3 < sum(row.labels[0] for row in parts.rehearsed) / 100 < 0.7
    assert all(math.isnan(value) for value in parts.rehearsed[0].labels[1:])
    assert len(base_corpus.parted(path, ["toxic"], count=9999).rehearsed) == 250
    written = parts.write_reported(tmp_path / "rest.csv", ["toxic", "new", "insult"])
    assert len(written.read_text(encoding="utf-8").splitlines()) == 401


def test_a_small_corpus_is_reported_on_as_a_whole_and_one_without_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "base.csv"
    path.write_text("text,toxic\n" + "".join(f"text {number},1\n" for number in range(20)))
    parts = base_corpus.parted(path, ["toxic"])
    assert (len(parts.rehearsed), len(parts.reported)) == (0, 20)
    path.write_text("words,toxic\nx,1\n")
    with pytest.raises(Refused, match="none of the columns comment_text, text"):
        base_corpus.parted(path, ["toxic"])


@pytest.mark.django_db
def test_a_corpus_of_the_site_s_own_comments_teaches_nothing_that_chooses_or_tests(
    version: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "TEXT_KEY_SECRET": SECRET}
    dev, test = decided("go home", harmful=True), decided("gulls stole the bread from my boat", harmful=True)
    base = [
        Row(text, (1.0, math.nan, math.nan), key)
        for key, text in (
            ("1", "Go HOME!"),
            ("2", "gulls stole the bread from my boat, Anna"),
            ("3", "a walk by the river"),
        )
    ]
    made = learning(SwearWords(), Sides(dev=[dev], test=[test]), unreviewed=0, rehearsed=0, base=base, seed=1)
    assert [row.text for row in made.learned] == ["a walk by the river"] and made.counts["base"] == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "none of the columns"),
        (b"\0\0\0", "none of the columns"),
        ("text,toxic\nhello,1\n".encode("utf-16"), "can't be read as a CSV in UTF-8"),
        ("text,toxic\nhello,1\n".encode("utf-16-le"), "none of the columns"),
        ("text,toxic\nGr\u00fc\u00dfe,1\n".encode("latin-1"), "can't be read as a CSV in UTF-8"),
        (b"text,kind\nhello,1\n", "has a column for none of the labels toxic, insult"),
        (b"text,toxic\nhello,\n,1\n", "has no row with a text and a label"),
        (b"text,toxic\nhello,-1\n", "has no row with a text and a label"),
        (b"text,toxic\nhello,1\nkestrel,yes\n", "at line 3, column toxic"),
        (b"text,toxic\nhello,1\nkestrel,7\n", "at line 3, column toxic"),
        (b"text,toxic\nhello,inf\n", "at line 2, column toxic"),
        (b'text,toxic\n"kestrel' + (b" word" * 1000 + b"\n") * 201, "a field is too long"),
        (b"text,toxic\n" + b"x" * 1_000_000, "a line of over 1000000 characters: line 2"),
        (gzip.compress(b"text,toxic\n" + b"hello,1\n" * 999, mtime=0)[:-9], "can't be read"),
    ],
)
def test_a_corpus_that_is_none_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / ("base.csv.gz" if content[:2] == b"\x1f\x8b" else "base.csv")
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        base_corpus.parted(path, ["toxic", "insult"])
    assert message in str(refused.value) and "Nothing was trained." in str(refused.value)
    assert "kestrel" not in str(refused.value)


def test_what_is_no_hindrance_in_a_corpus_is_read(tmp_path: Path) -> None:
    path = tmp_path / "base.csv"
    rows = "text,id,toxic,insult\nhel\0lo,1,1,-1\nshort\n,2,1,1\nfine,3,0.25,nan,more\n"
    path.write_text("\ufeff" + rows, encoding="utf-8")
    rows_read = base_corpus.parted(path, ["toxic", "insult"]).reported
    read = {row.text: row.labels for row in rows_read}
    assert read == {
        "hello": (1.0, pytest.approx(math.nan, nan_ok=True)),
        "fine": (0.25, pytest.approx(math.nan, nan_ok=True)),
    }


def test_a_line_without_end_is_not_read_into_memory() -> None:
    class Endless(io.TextIOBase):
        read_characters = 0

        def readline(self, size: int | None = -1, /) -> str:
            assert size is not None and size > 0
            self.read_characters += size
            return "x" * size

    endless = Endless()
    with pytest.raises(Refused, match="line 1"):
        list(base_corpus._lines(Path("base.csv"), endless))
    assert endless.read_characters == base_corpus.MOST_OF_A_LINE
