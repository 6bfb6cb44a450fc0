"""Makes the figures of the dashboard now and then, on one worker at a time, so that no page has to."""

from __future__ import annotations

import logging
import threading
import time
from datetime import date, timedelta

from django.utils import timezone

from moderation.conf import conf
from moderation.coordination import leases
from moderation.models import ModelVersion, Screening, StoredFigures
from moderation.models.content_types import content_type_of
from moderation.registry import registered
from moderation.review import daily, second_opinions
from moderation.screening.judging import thresholds_of
from moderation.versions import watch
from moderation.versions.active import find_active

logger = logging.getLogger("moderation.figures")

LEASE = "figures"
LEASE_SECONDS = 120
DAYS = 90
"""How far back the figures reach."""
AT_ONCE = 10
"""Days of the past that one round counts at most, the newest first."""
AGAIN = 2
"""Days, today among them, that are counted anew each time: verdicts and outcomes still change."""
OPEN_AT_MOST = 100_000
"""More open items are counted as this many."""
PERIODS = (7, 30, 90)
"""Days back from now for which there are estimates."""
WEEKS, MONTHS = 12, 3

_next_look = 0.0
"""Monotonic time before which this process does not ask again whether figures are due."""


def refresh_if_due(stop: threading.Event) -> bool:
    """Make the figures if FIGURES_MINUTES have passed since they were made last; True where it did.

    Raises DatabaseError.
    """
    global _next_look
    every = 60 * conf.FIGURES_MINUTES
    if not every or time.monotonic() < _next_look:
        return False
    _next_look = time.monotonic() + min(every, 60.0)
    token = leases.take(LEASE, LEASE_SECONDS)
    if token is None:
        return False
    try:
        with leases.kept(LEASE, token, LEASE_SECONDS):
            refresh(stop)
    finally:
        leases.give_back(LEASE, token, after=every)
    return True


def refresh(stop: threading.Event | None = None) -> None:
    """Count today, yesterday and days that are missing, and make the estimates. Raises DatabaseError."""
    today = timezone.localdate() if timezone.is_aware(timezone.now()) else date.today()
    second_opinions.forget_old()
    for day in _days_to_count(today):
        if stop is not None and stop.is_set():
            return
        counts = daily.count(day) | _open_items(day, is_today=day == today)
        StoredFigures.put(daily.name_of(day), counts, timezone.now())
    oldest = daily.name_of(today - timedelta(days=DAYS))
    StoredFigures.objects.filter(name__startswith=StoredFigures.DAY, name__lt=oldest).delete()
    version = find_active()
    if version is not None:
        _estimate(version)
        watch.watch()


def _days_to_count(today: date) -> list[date]:
    days = [today - timedelta(days=back) for back in range(DAYS)]
    stored = set(
        StoredFigures.objects.filter(name__startswith=StoredFigures.DAY).values_list("name", flat=True)
    )
    missing = [day for day in days[AGAIN:] if daily.name_of(day) not in stored]
    return [*days[:AGAIN], *missing[:AT_ONCE]]


def _open_items(day: date, *, is_today: bool) -> dict[str, int]:
    """How many items were open at the end of a day: only the day itself can tell, as long as it lasts."""
    if is_today:
        return {"open": Screening.objects.open().order_by()[:OPEN_AT_MOST].count()}
    before = StoredFigures.objects.filter(name=daily.name_of(day)).values_list("data", flat=True).first()
    return {"open": before["open"]} if before and "open" in before else {}


def _estimate(version: ModelVersion) -> None:
    from moderation.review import estimates  # numpy, which a web process has no need of

    now = timezone.now()
    flags: dict[int | None, dict[str, float]] = {None: dict(thresholds_of(None, version)[0].flag)}
    for entry in registered():
        flags[content_type_of(entry.model).pk] = dict(thresholds_of(entry, version)[0].flag)
    reviewed = estimates.read(version, now - timedelta(days=DAYS))
    data = {
        "version": str(version),
        "labels": list(version.labels),
        "periods": {
            str(days): estimates.as_stored(
                estimates.estimate(reviewed.between(now - timedelta(days=days), now), flags)
            )
            for days in PERIODS
        },
        "weeks": estimates.by_period(reviewed, flags, now, timedelta(days=7), WEEKS),
        "months": estimates.by_period(reviewed, flags, now, timedelta(days=30), MONTHS),
    }
    StoredFigures.put(StoredFigures.ESTIMATES, data, now)
