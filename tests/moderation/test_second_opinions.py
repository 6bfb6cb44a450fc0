"""Which decided items are dealt once more, to whom, and until when."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from moderation.admin.queue import tabs
from moderation.models import ModelVersion, Review, Screening, SecondOpinionDue
from moderation.review import blind, second_opinions
from moderation.review.decisions import decide
from tests.forum.models import Note
from tests.moderation.conftest import screen
from tests.moderation.test_queue import open_page, queued, staff, texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(version: ModelVersion) -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def ben(version: ModelVersion) -> User:
    return User.objects.create_user("ben")


def share(settings: Any, value: float) -> None:
    settings.MODERATION = {**settings.MODERATION, "SECOND_OPINION_SHARE": value}


def decided(text: str, by: User) -> Screening:
    Note.objects.create(text=text)
    screen()
    screening = Screening.objects.get(text=text)
    decide(screening.pk, reviewer=by, kind="false_positive")
    return screening


def dealt_to(user: User) -> list[int]:
    keys = Screening.objects.order_by("pk").values_list("pk", flat=True)
    return [key for key in keys if second_opinions.is_due(key, user)]


def test_a_decided_item_is_dealt_to_another_moderator_alone(ann: User, ben: User, settings: Any) -> None:
    share(settings, 1.0)
    screening = decided("you idiot", ann)
    assert (dealt_to(ann), dealt_to(ben)) == ([], [screening.pk])
    assert second_opinions.is_due(screening.pk, ben) and not second_opinions.is_due(screening.pk, ann)
    due = SecondOpinionDue.objects.get()
    assert (due.reviewer, due.probability, due.answered) == (ann, 1.0, None)


def test_about_the_share_of_the_setting_is_drawn_by_a_hash_that_nobody_knows_beforehand(
    ann: User, settings: Any
) -> None:
    share(settings, 0.25)
    screening = Screening.objects.create(source="import", text="x", queued_for="flagged")

    def drawn() -> list[int]:
        reviews = (Review(pk=number, kind="decision", reviewer=ann) for number in range(1, 801))
        return [review.pk for review in reviews if second_opinions.draw(review, screening)]

    first = drawn()
    assert 150 < len(first) < 250
    assert drawn() == first
    settings.MODERATION = {**settings.MODERATION, "TEXT_KEY_SECRET": "another"}
    assert drawn() != first
    share(settings, 0)
    assert drawn() == []


def test_what_says_why_it_is_there_is_not_dealt_again(ann: User, ben: User, settings: Any) -> None:
    share(settings, 1.0)
    for reason in ("edited", "failed", "language", "reported", "author"):
        screening = Screening.objects.create(source="import", text=reason, queued_for=reason)
        review = Review(pk=1, kind="decision", screening=screening, reviewer=ann)
        assert not second_opinions.draw(review, screening)
    assert dealt_to(ben) == []


def test_an_edited_a_blanked_an_undone_and_an_answered_one_is_dealt_no_more(
    ann: User, ben: User, settings: Any
) -> None:
    share(settings, 1.0)
    edited, blanked, undone, answered, stays = (decided(f"you idiot {name}", ann) for name in "abcde")
    Screening.objects.filter(pk=edited.pk).update(is_current=False)
    Screening.objects.filter(pk=blanked.pk).update(blanked=timezone.now())
    second_opinions.withdraw(undone)
    second_opinions.note_answer(answered)
    assert dealt_to(ben) == [stays.pk]
    assert SecondOpinionDue.objects.get(screening=answered).answered is not None


def test_a_few_at_a_time_are_dealt_the_oldest_first(ann: User, ben: User, settings: Any) -> None:
    share(settings, 1.0)
    rows = [decided(f"you idiot {number}", ann).pk for number in range(5)]
    assert dealt_to(ben) == rows[: second_opinions.DEALT]


def test_what_nobody_answers_is_given_up(ann: User, ben: User, settings: Any) -> None:
    share(settings, 1.0)
    old, young = decided("you idiot", ann), decided("another idiot", ann)
    SecondOpinionDue.objects.filter(screening=old).update(created=timezone.now() - timedelta(days=31))
    assert second_opinions.forget_old() == 1
    assert dealt_to(ben) == [young.pk]


def test_it_stands_where_it_stood_and_what_was_held_where_a_flagged_item_would(
    ann: User, settings: Any
) -> None:
    share(settings, 1.0)
    flagged = [decided(f"you idiot {number}", ann) for number in range(3)]
    Screening.objects.filter(pk=flagged[0].pk).update(severity=0.31)
    held = [decided(f"I kill you {number}", ann) for number in range(3)]
    drawn = queued("nice", 0.07, verdict="clear", queued_for="audit")
    decide(drawn.pk, reviewer=ann, kind="false_positive")
    places = dict(SecondOpinionDue.objects.values_list("screening", "severity"))
    own = dict(Screening.objects.values_list("id", "severity"))
    assert places[drawn.pk] == own[drawn.pk] == 0.07
    assert all(places[row.pk] == pytest.approx(0.2) for row in flagged)  # as it was when it was decided
    severities = {own[row.pk] for row in flagged}
    assert all(places[row.pk] in severities and own[row.pk] > 0.4 for row in held)
    seen = {row.pk: row.severity for row in second_opinions.as_seen_by(None, Screening.objects.all())}
    assert seen == own  # of those to whom none is dealt


def test_one_that_an_earlier_release_drew_has_a_place_too(ann: User, settings: Any) -> None:
    share(settings, 1.0)
    flagged, held = decided("you idiot", ann), decided("I kill you", ann)
    SecondOpinionDue.objects.update(severity=None)
    staff("cleo", "review_screening")
    rows = second_opinions.as_seen_by(User.objects.get(username="cleo"), Screening.objects.order_by("id"))
    assert [row.severity for row in rows] == [flagged.severity, 0.0] and held.severity > 0.4


def test_random_items_are_reached_as_early_as_flagged_ones_in_every_list_and_order(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blind, "random", random.Random(5))
    numbers = random.Random(6)
    for number in range(60):
        queued(f"flagged {number}", numbers.uniform(0, 0.5))
        ((severity, labels),) = blind.places(1)
        queued(f"drawn {number}", 0.1, verdict="clear", queued_for="audit")
        Screening.objects.filter(text=f"drawn {number}").update(severity=severity, labels=labels)
    moderator = staff("ann", "review_screening")
    for state in ("", "flagged"):
        for order in tabs.ORDER_TITLES:
            page = open_page(moderator, f"?state={state}&o={order}")
            assert 5 <= sum("drawn" in text for text in texts(page)) <= 15, (state, order)
