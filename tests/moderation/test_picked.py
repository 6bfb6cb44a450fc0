"""What moderators pick by author, page or topic counts for itself alone in the figures of reviews."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from moderation.models import BulkDecision, ModelVersion, Review, Screening
from moderation.review import estimates
from moderation.review.bulk import carry_on, same_text, start
from moderation.review.decisions import decide, undo
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_queue import QUEUE, staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "is_picked"),
    [
        ("", False),
        ("state=held&o=oldest", False),
        ("label=insult&verdict__exact=flagged", False),
        ("score_from=0.5", False),
        ("author=ann", True),
        ("q=idiot", True),
        ("created_from=2020-01-01", True),
        ("author=", False),
    ],
)
def test_a_decision_notes_whether_its_list_was_narrowed_to_a_topic(
    version: ModelVersion, address: str, is_picked: bool
) -> None:
    Post.objects.create(body="you idiot")
    screen()
    row = Screening.objects.get()
    client = staff("ann", "review_screening")
    response = client.post(f"{QUEUE}{row.pk}/decide/?{address}", {"kind": "false_positive"})
    assert response.status_code == 302
    row.refresh_from_db()
    assert (Review.objects.get().is_picked, row.was_picked) == (is_picked, is_picked)


def test_a_correction_does_not_change_how_an_item_was_come_to(version: ModelVersion) -> None:
    Post.objects.create(body="you idiot")
    screen()
    row, ann = Screening.objects.get(), User.objects.create(username="ann")
    first = decide(row.pk, reviewer=ann, kind="false_positive", is_picked=True)
    second = decide(row.pk, reviewer=ann, kind="uphold", seen_number=first.number)
    row.refresh_from_db()
    assert second.is_picked and row.was_picked
    for review in (second, first):
        undo(review.pk, reviewer=ann)
    row.refresh_from_db()
    assert row.outcome == "" and not row.was_picked
    decide(row.pk, reviewer=ann, kind="uphold")
    row.refresh_from_db()
    assert not row.was_picked


def test_what_many_are_decided_by_is_picked(version: ModelVersion) -> None:
    for _ in range(3):
        Post.objects.create(body="you idiot")
    screen()
    lead = User.objects.create_superuser("lea")
    rows = Screening.objects.filter(same_text(Screening.objects.order_by("id")[0]))
    job = start(lead, rows, chosen=BulkDecision.Chosen.TEXT, decision="false_positive")
    carry_on(job.pk)
    assert set(Screening.objects.values_list("outcome", "was_picked")) == {("show", True)}


def test_the_figures_hold_where_moderators_go_after_authors(version: ModelVersion) -> None:
    """600 flagged texts at one score: 200 by twenty trolls, all of them toxic; of the others half are.

    A moderator reads in the order of the queue. Having met a troll, they look for the name and decide about
    all of theirs. They stop when half of the queue is decided.
    """
    dice = random.Random(3)
    for number in range(600):
        Post.objects.create(body=f"you idiot {number}")
    screen()
    ann = User.objects.create(username="ann")
    rows = list(Screening.objects.order_by("id"))
    dice.shuffle(rows)
    troll_of = {row.pk: place % 20 for place, row in enumerate(rows[:200])}
    is_true = {row.pk: row.pk in troll_of or dice.random() < 0.5 for row in rows}
    decided: set[int] = set()

    def judge(row: Screening, *, is_picked: bool) -> None:
        labels = {"toxic": is_true[row.pk], "threat": False, "insult": is_true[row.pk]}
        decide(row.pk, reviewer=ann, kind="relabel", labels=labels, is_picked=is_picked)
        decided.add(row.pk)

    for row in sorted(rows, key=lambda row: row.pk):
        if row.pk in decided or len(decided) >= 300:
            continue
        judge(row, is_picked=False)
        for other in rows:
            if troll_of.get(other.pk, "") == troll_of.get(row.pk) and other.pk not in decided:
                judge(other, is_picked=True)

    def precision() -> dict[str, Any]:
        flags: dict[int | None, dict[str, float]] = {None: dict.fromkeys(version.labels, 0.5)}
        reviewed = estimates.read(version, timezone.now() - timedelta(days=1))
        figures: dict[str, Any] = estimates.quality(reviewed, flags)["insult"]["precision"]
        return figures

    truth = sum(is_true.values()) / len(rows)
    told = precision()
    assert told["low"] <= truth <= told["high"]
    Screening.objects.update(was_picked=False)
    assert precision()["low"] > truth, "counted with the others, the picked ones bend the figure"
