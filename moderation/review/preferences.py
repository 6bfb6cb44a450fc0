"""How a moderator wants to work, and whether it is time for a break."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from moderation.models import ModeratorPreferences, Review

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

PAUSE = timedelta(minutes=10)
"""Without a decision for this time, a moderator has had a break."""
PUT_OFF = timedelta(minutes=20)
"""For this time nothing is said after somebody put a break off."""
LOOKED_BACK = timedelta(hours=8)
DECISIONS_READ = 1000


@dataclass(frozen=True)
class Streak:
    """What one moderator decided without a pause."""

    items: int
    """At most DECISIONS_READ."""
    minutes: int


def preferences_of(user: AbstractBaseUser | AnonymousUser) -> ModeratorPreferences:
    """Read what a user chose; an unsaved row with the defaults where nothing was chosen."""
    key = str(user.pk)
    return ModeratorPreferences.objects.filter(user_key=key).first() or ModeratorPreferences(user_key=key)


def choose(user: AbstractBaseUser | AnonymousUser, **choices: Any) -> ModeratorPreferences:
    """Store what a user chose, by column; the other columns stay."""
    chosen, _ = ModeratorPreferences.objects.update_or_create(user_key=str(user.pk), defaults=choices)
    return chosen


def streak_of(user: AbstractBaseUser | AnonymousUser, now: datetime | None = None) -> Streak:
    """Count what a user decided up to now without a pause of PAUSE; nothing where the last one is older."""
    end = now or timezone.now()
    since = end - LOOKED_BACK
    decisions = Review.objects.filter(reviewer_id=user.pk, created__gte=since, created__lte=end)
    items, start = 0, end
    for created in decisions.order_by("-created").values_list("created", flat=True)[:DECISIONS_READ]:
        if start - created > PAUSE:
            break
        items, start = items + 1, created
    return Streak(items, int((end - start).total_seconds() // 60))


def break_due(
    user: AbstractBaseUser | AnonymousUser, preferences: ModeratorPreferences, now: datetime | None = None
) -> Streak | None:
    """Return what was done without a pause where the preferences call for a break now; otherwise None."""
    now = now or timezone.now()
    most_items, most_minutes = preferences.break_items, preferences.break_minutes
    is_put_off = preferences.break_put_off is not None and now < preferences.break_put_off
    if is_put_off or (most_items is None and most_minutes is None):
        return None
    streak = streak_of(user, now)
    is_due = (most_items is not None and streak.items >= most_items) or (
        most_minutes is not None and streak.minutes >= most_minutes
    )
    return streak if is_due and streak.items else None


def put_break_off(user: AbstractBaseUser | AnonymousUser) -> None:
    """Keep quiet about a break for PUT_OFF."""
    choose(user, break_put_off=timezone.now() + PUT_OFF)
