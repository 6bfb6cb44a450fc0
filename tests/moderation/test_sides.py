"""Near copies are on one side, the test side moves on, and what a version has learned proves nothing."""

import itertools
import math
import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from moderation.models import ModelVersion, Review, Scoring, Screening, TrainingRun
from moderation.retraining import near_copies, splitting, training_data
from moderation.retraining.splitting import DEV, TEST, TRAIN, Rotation, side, side_of_group
from moderation.review.decisions import decide
from moderation.review.same_text import LEAST_SHARE, share_of_words, words_of
from tests.moderation.conftest import LABELS

WORDS = (
    "amber",
    "basil",
    "cedar",
    "dune",
    "elm",
    "fjord",
    "grove",
    "heath",
    "river",
    "stone",
    "garden",
    "winter",
    "bread",
    "candle",
    "ladder",
    "meadow",
    "copper",
    "violin",
)
Q0, Q1, LATER = "1" + "0" * 63, "5" + "0" * 63, "f" + "0" * 63
"""Keys in the first quarter, in the second (of which .40 on is learned), and at the end."""


@pytest.fixture
def ann(version: ModelVersion) -> User:
    return User.objects.create_user("ann")


def reviewed(text: str, key: str, reviewer: User, **columns: Any) -> Screening:
    """A text that somebody has called harmless."""
    given = {"queued_for": "flagged", "verdict": "flagged", "sampling_probability": 1.0, **columns}
    row = Screening.objects.create(source="import", text=text, text_key=key, status="done", **given)
    version = ModelVersion.objects.order_by("id").first()
    scores = dict.fromkeys(LABELS, 0.7)
    Scoring.objects.create(screening=row, model_version=version, is_basis=True, scores=scores, thresholds={})
    decide(row.pk, reviewer=reviewer, kind="relabel", labels=dict.fromkeys(LABELS, False))
    return row


def texts(rows: list[training_data.Row]) -> list[str]:
    return [row.text for row in rows]


def test_near_copies_are_found_as_by_comparing_each_with_each() -> None:
    chance = random.Random(3)
    first = [chance.sample(WORDS, chance.randint(5, 9)) for _ in range(40)]
    made = [" ".join([*words[:-1], chance.choice(WORDS)]) for words in first for _ in range(5)]
    words = [words_of(text) for text in made]
    expected = {
        (one, other)
        for other in range(len(made))
        for one in range(other)
        if words[one] and words[other] and share_of_words(words[one], words[other]) >= LEAST_SHARE
    }
    together = list(range(len(made)))
    for one, other in expected:
        joined = {together[one], together[other]}
        together = [min(joined) if number in joined else number for number in together]
    assert len(expected) > 20
    numbers = near_copies.groups(made, [str(place) for place in range(len(made))])
    assert numbers == [list(dict.fromkeys(together)).index(number) for number in together]
    assert len({numbers[one] for pair in expected for one in pair}) > 5


def test_a_wave_of_near_copies_is_grouped_without_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared = 0

    def counted(one: frozenset[str], other: frozenset[str]) -> float:
        nonlocal compared
        compared += 1
        return share_of_words(one, other)

    monkeypatch.setattr(near_copies, "share_of_words", counted)
    names = ["".join(letters) for letters in itertools.product("abcde", repeat=4)]
    wave = [f"buy the very best watches from our shop dear friend {name}" for name in names]
    assert set(near_copies.groups(wave, names)) == {0}
    assert compared < 3 * len(wave)


def test_the_same_key_is_one_group_and_short_texts_are_like_others_by_chance() -> None:
    assert near_copies.groups(["so it is", "So it is!", "so it was"], ["a", "a", "b"]) == [0, 0, 1]


def test_a_group_is_on_the_side_that_stands_first_whatever_else_is_in_it() -> None:
    assert side(Q0) == TEST and side(Q1) == DEV and side(LATER) == TRAIN
    assert side_of_group([LATER, Q0, Q1]) == TEST and side_of_group([LATER, Q1]) == DEV
    assert side_of_group([LATER, Q0], 1) == TRAIN and side_of_group([Q1, LATER], 1) == TEST


@pytest.mark.parametrize("number", range(5))
def test_the_ranges_of_a_side_hold_its_keys_and_no_others(number: int) -> None:
    keys = [f"{place:08x}" + "0" * 56 for place in range(0, 16**8, 16**8 // 997)]
    for name, share in ((TEST, 0.25), (DEV, 0.15), (TRAIN, 0.6)):
        ranges = splitting.ranges(name, 0.7, number)
        within = [key for key in keys if any(low <= key < high for low, high in ranges)]
        assert within == [key for key in keys if side(key, number) == name]
        assert len(within) / len(keys) == pytest.approx(share, abs=0.01)


def test_after_ten_comparisons_the_next_quarter_is_the_test_side() -> None:
    assert [Rotation(count).number for count in (0, 9, 10, 40)] == [0, 0, 1, 4]
    assert [Rotation(count).earlier for count in (0, 9, 10, 39, 40, 43)] == [0, 9, 0, 9, 10, 13]
    assert (Rotation(9).left, Rotation(10).left) == (1, 10)


@pytest.mark.django_db
def test_near_copies_are_tested_or_learned_together_and_each_text_is_learned_once(ann: User) -> None:
    wave = "buy the very best copper ladder of {} here"
    reviewed(wave.format("Anna"), LATER, ann)
    reviewed(wave.format("Bert"), Q0, ann)
    reviewed("nothing like it at all", LATER[:-1] + "1", ann)
    reviewed("Nothing like it, at all!", LATER[:-1] + "1", ann)
    split = training_data.sides(LABELS)
    assert sorted(texts(split.test)) == [wave.format("Anna"), wave.format("Bert")]
    assert texts(split.train) == ["Nothing like it, at all!"] and split.dev == []
    assert split.counts == {
        "train": 1,
        "dev": 0,
        "test": 2,
        "since_active": 2,
        "comparisons": 0,
        "learned_before": 0,
    }


@pytest.mark.django_db
def test_what_is_chosen_by_weighs_the_comments_it_stands_for_and_reported_texts_nothing(ann: User) -> None:
    drawn = {"queued_for": "audit", "verdict": "clear", "sampling_probability": 0.05}
    reviewed("drawn", Q1, ann, **drawn)
    reviewed("Drawn!", Q1, ann, **drawn)
    reported = reviewed("reported", Q1[:-1] + "1", ann, queued_for="reported", sampling_probability=None)
    weights = {row.text: row.weight for row in training_data.sides(LABELS).dev}
    assert weights == {"Drawn!": pytest.approx(40), "reported": 0.0}
    Screening.objects.exclude(pk=reported.pk).update(blanked=timezone.now())
    assert [row.weight for row in training_data.sides(LABELS).dev] == [1.0]


def trained(version: ModelVersion, *, comparisons: int) -> ModelVersion:
    """A version of a run that has just learned all that was reviewed so far, and is active now."""
    run = TrainingRun.objects.create(
        status="done", result="better", started=timezone.now(), counts={"comparisons": comparisons}
    )
    ModelVersion.objects.update(is_active=False)
    run.candidate = ModelVersion.objects.create(
        name="test",
        version=f"site-{run.pk}",
        labels=list(LABELS),
        parent=version,
        is_active=True,
        location="test",
    )
    run.save()
    return run.candidate


@pytest.mark.django_db
def test_after_a_rotation_only_what_was_reviewed_after_the_training_is_evidence(
    ann: User, version: ModelVersion
) -> None:
    reviewed("old in the first quarter", Q0, ann)
    reviewed("the old text of the second quarter is here", Q1, ann)
    second = trained(version, comparisons=0)
    fresh = "something else that is new in the second quarter"
    reviewed(fresh, Q1[:-1] + "1", ann)
    reviewed("the old text of the second quarter is there", Q1[:-1] + "2", ann)
    split = training_data.sides(LABELS)
    assert texts(split.test) == ["old in the first quarter"] and split.since_active == []
    TrainingRun.objects.bulk_create(
        TrainingRun(status="done", result="not_better", created=timezone.now()) for _ in range(9)
    )
    split = training_data.sides(LABELS)
    assert (split.rotation.number, split.rotation.earlier) == (1, 0)
    assert texts(split.test) == texts(split.since_active) == [fresh]
    assert split.counts["learned_before"] == 2
    trained(second, comparisons=10)
    assert texts(training_data.sides(LABELS).test) == [fresh]
    assert training_data.sides(LABELS).since_active == []


@pytest.mark.django_db
def test_a_text_that_was_learned_stays_learned_when_a_near_copy_comes_to_the_test_side(
    ann: User, version: ModelVersion
) -> None:
    reviewed("the copper ladder of the old harbour", LATER, ann)
    trained(version, comparisons=0)
    reviewed("the copper ladder of the old garden harbour", Q0, ann)
    split = training_data.sides(LABELS)
    assert split.test == [] and len(split.train) == 2


@pytest.mark.django_db
def test_what_was_corrected_after_the_training_had_been_learned_before(
    ann: User, version: ModelVersion
) -> None:
    row = reviewed("the copper ladder of the old harbour", Q1, ann)
    made = trained(version, comparisons=0)
    TrainingRun.objects.filter(candidate=made).update(counts={"comparisons": 0})
    labels = {**dict.fromkeys(LABELS, False), LABELS[0]: True}
    decide(row.pk, reviewer=ann, kind="relabel", labels=labels, seen_number=1)
    TrainingRun.objects.bulk_create(
        TrainingRun(status="done", result="not_better", created=timezone.now()) for _ in range(9)
    )
    split = training_data.sides(LABELS)
    assert split.rotation.number == 1 and split.test == [] and len(split.train) == 1


@pytest.mark.django_db
def test_boxes_that_nobody_touched_are_known_of_a_row(ann: User) -> None:
    row = reviewed("some text", LATER, ann)
    (found,) = training_data.reviewed(LABELS)
    assert found.is_preset == () and found.screening == row.pk and found.reviewer == "ann"
    labels = dict.fromkeys(LABELS, False)
    decide(row.pk, reviewer=ann, kind="relabel", labels=labels, seen_number=1, touched=[LABELS[1]])
    (found,) = training_data.reviewed([*LABELS, "another"])
    assert found.is_preset == (True, False, True, True) and math.isnan(found.labels[3])
    first = Review.objects.order_by("id").first()
    assert first is not None and found.reviewed == first.created
    assert found.reviewed is not None and found.reviewed > timezone.now() - timedelta(hours=1)
