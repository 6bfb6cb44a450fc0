"""How a moderator chooses to work: the page, what it stores, and the word about a break."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from moderation.models import ModelVersion, ModeratorPreferences, Review
from moderation.review.preferences import (
    PAUSE,
    PUT_OFF,
    break_due,
    preferences_of,
    put_break_off,
    streak_of,
)
from tests.moderation.test_queue import QUEUE, open_page, queued, staff

pytestmark = pytest.mark.django_db
PAGE = f"{QUEUE}preferences/"
BREAK = f"{QUEUE}break/"


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def ann() -> User:
    return User.objects.get(username="ann")


def decided(user: User, *minutes_ago: float) -> None:
    """Let a user have decided one item at each of these times."""
    now = timezone.now()
    for minutes in minutes_ago:
        review = Review.objects.create(
            screening=queued("a"),
            number=1,
            decision="false_positive",
            outcome="show",
            reviewer=user,
        )
        _dated(review, now - timedelta(minutes=minutes))


def _dated(review: Review, when: datetime) -> None:
    """Set when a review was made, by SQL: through the model no review is ever changed."""
    with connection.cursor() as cursor:
        value = connection.ops.adapt_datetimefield_value(when)
        cursor.execute("UPDATE moderation_review SET created = %s WHERE id = %s", [value, review.pk])


def test_somebody_who_chose_nothing_has_the_defaults_and_no_row(moderator: Client) -> None:
    open_page(moderator)
    assert moderator.get(PAGE).status_code == 200
    chosen = preferences_of(ann())
    assert (chosen.single_keys, chosen.order, chosen.break_minutes) == (True, "worst", 60)
    assert (chosen.covers_texts, chosen.masks_profanity, chosen.break_items) == (False, False, None)
    assert not ModeratorPreferences.objects.exists()


def test_choices_are_stored_for_the_one_who_made_them(moderator: Client) -> None:
    bob = staff("bob", "view_screening")
    form = {"covers_texts": "on", "break_minutes": "", "break_items": "40", "order": "oldest"}
    response = moderator.post(PAGE, form)
    assert response.status_code == 302 and response["Location"] == QUEUE
    chosen = preferences_of(ann())
    assert (chosen.covers_texts, chosen.masks_profanity, chosen.single_keys) == (True, False, False)
    assert (chosen.break_minutes, chosen.break_items, chosen.order) == (None, 40, "oldest")
    moderator.post(PAGE, {**form, "order": "newest"})
    assert ModeratorPreferences.objects.get().order == "newest"
    assert bob.get(PAGE).status_code == 200
    assert preferences_of(User.objects.get(username="bob")).order == "worst"


@pytest.mark.parametrize("wrong", [{"order": "loudest"}, {"break_items": "0"}, {"break_minutes": "-1"}])
def test_what_is_no_choice_is_refused(moderator: Client, wrong: dict[str, str]) -> None:
    response = moderator.post(PAGE, {"order": "worst", **wrong})
    assert response.status_code == 200 and b"errornote" in response.content
    assert not ModeratorPreferences.objects.exists()


@pytest.mark.parametrize("path", [PAGE, BREAK])
def test_only_those_who_see_the_queue_reach_the_pages(version: ModelVersion, path: str) -> None:
    for call in ("get", "post"):
        assert getattr(staff(f"nobody-{call}"), call)(path).status_code == 403
        assert getattr(Client(), call)(path).status_code == 302
    assert staff("writer", "review_screening").put(path).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="writer"))
    assert strict.post(path, {"order": "worst"}).status_code == 403
    assert not ModeratorPreferences.objects.exists()


def test_a_streak_is_what_was_decided_without_a_pause(moderator: Client) -> None:
    user, pause = ann(), PAUSE.total_seconds() / 60
    assert (streak_of(user).items, streak_of(user).minutes) == (0, 0)
    decided(user, 1, 5, 9, 9 + pause + 1, 200)
    assert (streak_of(user).items, streak_of(user).minutes) == (3, 9)
    decided(User.objects.create_user("bob"), 2)
    assert streak_of(user).items == 3


def test_a_break_is_spoken_of_by_minutes_by_items_or_never(moderator: Client) -> None:
    user = ann()
    decided(user, *range(1, 62, 5))
    assert break_due(user, ModeratorPreferences(break_minutes=60)) is not None
    assert break_due(user, ModeratorPreferences(break_minutes=62)) is None
    assert break_due(user, ModeratorPreferences(break_minutes=None)) is None
    assert break_due(user, ModeratorPreferences(break_minutes=None, break_items=13)) is not None
    assert break_due(user, ModeratorPreferences(break_minutes=None, break_items=14)) is None


def test_the_queue_says_when_a_break_is_due_and_not_now_keeps_it_quiet(moderator: Client) -> None:
    user = ann()
    assert "short break" not in open_page(moderator)
    decided(user, *range(1, 62, 5))
    page = open_page(moderator)
    assert "You have decided 13 items in 61 minutes" in page
    assert 'role="status"' in page
    assert "short break" in moderator.get(BREAK).content.decode()
    assert not ModeratorPreferences.objects.exists()
    assert moderator.post(BREAK)["Location"] == QUEUE
    assert "short break" not in open_page(moderator)
    assert moderator.get(BREAK).content.strip() == b""
    chosen = preferences_of(user)
    assert chosen.break_minutes == 60 and chosen.order == "worst"
    assert break_due(user, chosen, timezone.now() + PUT_OFF - timedelta(minutes=1)) is None
    put_break_off(user)
    assert ModeratorPreferences.objects.count() == 1
