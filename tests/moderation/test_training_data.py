"""What is learned from: ground truth with its masks, sides by key alone, and nothing that was blanked."""

import csv
import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from moderation.conf import conf
from moderation.models import ModelVersion, Review, Scoring, Screening
from moderation.retraining import rehearsal, soft_targets, training_data
from moderation.retraining.training_data import DEV, TEST, TRAIN, Row, side
from moderation.review.decisions import decide
from moderation.review.response import response
from moderation.texts import text_key
from tests.moderation.conftest import LABELS

pytestmark = pytest.mark.django_db
SECRET = "a secret of this test"
NAN = math.nan


@pytest.fixture
def ann(version: ModelVersion) -> User:
    return User.objects.create_user("ann")


def scored(text: str, **columns: Any) -> Screening:
    """An imported text that the model flagged as toxic."""
    screening = Screening.objects.create(
        source="import",
        text=text,
        **{
            "text_key": text_key(text, SECRET),
            "status": "done",
            "verdict": "flagged",
            "queued_for": "flagged",
            "sampling_probability": 1.0,
            **columns,
        },
    )
    Scoring.objects.create(
        screening=screening,
        model_version=ModelVersion.objects.get(),
        is_basis=True,
        scores={"toxic": 0.7, "threat": 0.1, "insult": 0.2},
        thresholds=dict.fromkeys(LABELS, 0.5),
    )
    return screening


def test_the_side_is_a_function_of_the_key_alone_in_the_documented_shares() -> None:
    keys = [text_key(f"text number {number}", SECRET) for number in range(4000)]
    shares = {name: count / len(keys) for name, count in Counter(map(side, keys)).items()}
    assert shares[TEST] == pytest.approx(0.25, abs=0.03)
    assert shares[DEV] == pytest.approx(0.15, abs=0.03)
    assert shares[TRAIN] == pytest.approx(0.60, abs=0.03)
    assert (side("00000000" + "f" * 56), side("ffffffff" + "0" * 56)) == (TEST, TRAIN)
    assert side("3fffffff" + "0" * 56) == TEST and side("40000000" + "0" * 56) == DEV


def test_texts_that_read_the_same_are_on_the_same_side() -> None:
    for text in ("You can't do that, idiot", "thank you", "hello there"):
        variants = (text, text.upper() + "!!!", text.replace("can't", "cannot"), f"  {text} ")
        assert len({side(text_key(variant, SECRET)) for variant in variants}) == 1


def test_what_was_hidden_for_another_reason_is_no_row_and_makes_no_other_one_heavier(ann: User) -> None:
    """It stands for the spam of the site alone: the others keep standing for what is like them."""
    for number in range(20):
        scored(f"number {number}")
    rows = list(Screening.objects.order_by("id"))
    for row in rows[:5]:
        decide(row.pk, reviewer=ann, kind="false_positive")
    before = {row.text: row.probability for row in training_data.reviewed(LABELS)}
    for row in rows[5:10]:
        decide(row.pk, reviewer=ann, kind="other_reason", reason="spam")
    after = {row.text: row.probability for row in training_data.reviewed(LABELS)}
    assert set(before) == set(after) == {row.text for row in rows[:5]}
    assert set(before.values()) == {0.25} and set(after.values()) == {0.5}
    keys = [row.text_key for row in rows]
    assert training_data.judged(keys) == set(keys[:10])


def test_each_decision_gives_its_labels_and_null_is_masked(ann: User) -> None:
    decide(scored("upheld").pk, reviewer=ann, kind="uphold")
    decide(scored("false positive").pk, reviewer=ann, kind="false_positive")
    decide(
        scored("relabelled").pk,
        reviewer=ann,
        kind="relabel",
        labels={"toxic": True, "threat": True, "insult": False},
    )
    scored("nobody looked")
    rows = {row.text: row.labels for row in training_data.reviewed(("insult", "toxic", "new label"))}
    assert set(rows) == {"upheld", "false positive", "relabelled"}
    assert rows["upheld"] == pytest.approx((NAN, 1.0, NAN), nan_ok=True)
    assert rows["false positive"] == pytest.approx((0.0, 0.0, NAN), nan_ok=True)
    assert rows["relabelled"] == pytest.approx((0.0, 1.0, NAN), nan_ok=True)


def test_a_blanked_text_an_undone_decision_and_a_decision_without_a_label_teach_nothing(ann: User) -> None:
    blanked = scored("taken out")
    decide(blanked.pk, reviewer=ann, kind="uphold")
    Screening.objects.filter(pk=blanked.pk).update(text="", text_key="", blanked=timezone.now())
    undone = decide(scored("undone").pk, reviewer=ann, kind="uphold")
    Review.objects.create(screening=undone.screening, number=2, kind="undo", undoes=undone)
    failed = Screening.objects.create(
        source="import", text="x", text_key=text_key("x", SECRET), status="failed", queued_for="failed"
    )
    decide(failed.pk, reviewer=ann, kind="uphold")
    assert training_data.reviewed(LABELS) == []


def test_of_texts_with_the_same_key_the_latest_decision_is_learned_once(ann: User) -> None:
    decide(scored("You idiot").pk, reviewer=ann, kind="uphold")
    decide(scored("you IDIOT!").pk, reviewer=ann, kind="false_positive")
    (row,) = training_data.one_per_text(training_data.reviewed(LABELS))
    assert (row.text, row.labels) == ("you IDIOT!", (0.0, 0.0, 0.0))


@pytest.mark.regression("H7")
def test_three_of_300_equal_comments_drawn_at_one_percent_stand_for_300(ann: User) -> None:
    drawn = {"verdict": "clear", "sampling_probability": 0.01}
    screenings = [scored("first!", queued_for="audit" if n < 3 else "", **drawn) for n in range(300)]
    for screening in screenings[:3]:
        decide(screening.pk, reviewer=ann, kind="false_positive")
    rows = training_data.reviewed(LABELS)
    assert sum(1 / (row.probability or math.nan) for row in rows) == pytest.approx(300)
    assert [row.is_random for row in rows] == [True] * 3
    assert len(training_data.one_per_text(rows)) == 1


@pytest.mark.regression("H7")
def test_a_text_that_was_certain_to_be_reviewed_stays_certain_when_it_is_drawn_again(ann: User) -> None:
    decide(scored("you idiot").pk, reviewer=ann, kind="false_positive")
    drawn = {"verdict": "clear", "queued_for": "audit", "sampling_probability": 0.01}
    decide(scored("You, idiot!", **drawn).pk, reviewer=ann, kind="false_positive")
    rows = training_data.reviewed(LABELS)
    assert [(row.text, row.probability, row.is_random) for row in rows] == [
        ("you idiot", 1.0, False),
        ("You, idiot!", 0.01, True),
    ]


def test_what_is_reviewed_stands_for_what_nobody_came_to(ann: User) -> None:
    """The queue is read from its top: the share that was reviewed is another one further down."""
    worst = [scored(f"worst {number}", severity=0.4) for number in range(8)]
    mild = [scored(f"mild {number}", severity=0.1) for number in range(20)]
    drawn = {"verdict": "clear", "queued_for": "audit", "sampling_probability": 0.02}
    audited = [scored(f"clear {number}", severity=0.4 - number / 10, **drawn) for number in range(6)]
    for screening in (*worst, *mild[:5], *audited[:3]):
        decide(screening.pk, reviewer=ann, kind="false_positive")
    found = {row.text: row.probability for row in training_data.reviewed(LABELS)}
    assert {found[row.text] for row in worst} == {1.0}
    assert {found[row.text] for row in mild[:5]} == {0.25}
    assert {found[row.text] for row in audited[:3]} == {0.01}


def test_of_a_band_that_nobody_came_to_the_share_is_told(ann: User) -> None:
    for severity, reviewed in ((0.4, 6), (0.1, 0)):
        rows = [scored(f"{severity} {number}", severity=severity) for number in range(6)]
        for row in rows[:reviewed]:
            decide(row.pk, reviewer=ann, kind="uphold")
    assert response().unreached == 0.5
    rows = training_data.reviewed(LABELS)
    assert {(row.probability, row.reached_probability) for row in rows} == {(0.5, 1.0)}


def test_the_sampling_probability_comes_along_unless_a_person_chose_the_text(ann: User) -> None:
    for text, columns in (
        ("flagged", {}),
        ("audited", {"queued_for": "audit", "sampling_probability": 0.02, "verdict": "clear"}),
        ("chosen", {"queued_for": "", "sampling_probability": 0.02, "verdict": "clear"}),
    ):
        decide(scored(text, **columns).pk, reviewer=ann, kind="false_positive")
    found = {row.text: row.probability for row in training_data.reviewed(LABELS)}
    assert found == {"flagged": 1.0, "audited": 0.02, "chosen": None}


def test_unreviewed_texts_are_sampled_from_one_side_and_counted(ann: User) -> None:
    for first, second in itertools.product("abcdefghijk", "lmnopqrstuv"):
        scored(f"{first} and {second}")
    judged = Screening.objects.order_by("id").first()
    assert judged is not None
    decide(judged.pk, reviewer=ann, kind="uphold")
    on_side = [row.text for row in Screening.objects.exclude(pk=judged.pk) if side(row.text_key) == TRAIN]
    everything, total = training_data.unreviewed(TRAIN, 1000, seed=1)
    assert sorted(text for text, _ in everything) == sorted(on_side)
    assert total == len(on_side)
    some, again = training_data.unreviewed(TRAIN, 10, seed=1)
    assert len(some) == 10 and again == total
    assert training_data.unreviewed(TRAIN, 10, seed=1)[0] == some
    assert training_data.unreviewed(TRAIN, 10, seed=2)[0] != some


@pytest.mark.regression("H8")
def test_what_reads_like_a_judged_text_is_no_soft_target(ann: User) -> None:
    first = scored("Holy moly, I could kill for a coffee")
    scored("holy moly!! i could kill for a coffee")
    other = scored("nobody judged this")
    on_side = side(first.text_key)
    assert training_data.unreviewed(on_side, 10, seed=1)[1] >= 2
    decide(first.pk, reviewer=ann, kind="false_positive")
    for name in (TRAIN, DEV, TEST):
        texts, total = training_data.unreviewed(name, 10, seed=1)
        assert [text for text, _ in texts] == ([other.text] if name == side(other.text_key) else [])
        assert total == len(texts)


@pytest.mark.regression("H8")
def test_no_rehearsed_text_reads_like_a_judged_one(ann: User) -> None:
    text = rehearsal.texts(30, seed=1)[0]
    key = text_key(text, conf.TEXT_KEY_SECRET)
    decide(scored(text.upper(), text_key=key).pk, reviewer=ann, kind="uphold")
    found = soft_targets.rehearsed(OfAnyText(), 30, 1)
    rehearsed = [row.text for rows in found.values() for row in rows]
    assert len(rehearsed) == 29 and text not in rehearsed


def test_a_row_to_choose_by_weighs_as_many_comments_as_read_the_same(ann: User) -> None:
    for text in ("first!", "First", "FIRST!!", "second"):
        scored(text)
    decide(Screening.objects.get(text="first!").pk, reviewer=ann, kind="false_positive")
    decide(Screening.objects.get(text="second").pk, reviewer=ann, kind="false_positive")
    rows = training_data.weighted_by_comments(training_data.reviewed(LABELS))
    assert {row.text: row.weight for row in rows} == {"first!": 3.0, "second": 1.0}


class OfAnyText:
    """A classifier that says the same of each text."""

    def logits(self, texts: list[str]) -> Any:
        return np.zeros((len(texts), len(LABELS)))


def test_rows_survive_the_csv_whatever_is_in_them(tmp_path: Path) -> None:
    from toxicity_ml import corpora

    text = 'a "quoted", text;\nof\r\nlines \u202e 👩‍👩 \u2400'
    rows = [Row(text, (1.0, NAN, 0.25), "0" * 64, weight=2.5), Row("", (0.0, 0.0, 0.0), "1" * 64)]
    training_data.write_csv(tmp_path / "rows.csv", LABELS, rows)
    read = corpora.load([tmp_path / "rows.csv"], LABELS)
    assert list(read["text"]) == [text, ""]
    assert read["labels"][0] == pytest.approx([1.0, NAN, 0.25], nan_ok=True)
    assert list(read["weight"]) == [2.5, 1.0]
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["text", "weight", *LABELS]


def test_rehearsed_texts_are_many_different_and_the_same_each_time() -> None:
    texts = rehearsal.texts(800, seed=1)
    assert len(set(texts)) == len(texts) == 800
    assert texts == rehearsal.texts(800, seed=1)
    texts = rehearsal.remarks(800, seed=1)
    assert texts == rehearsal.remarks(800, seed=1)
    for kind in rehearsal.KINDS:
        share = sum(any(remark[1:] in text for remark in kind) for text in texts) / len(texts)
        assert share == pytest.approx(1 / len(rehearsal.KINDS), abs=0.05)
