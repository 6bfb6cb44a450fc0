"""A worker whose clock is an hour wrong: leases go by the database's, and no message expires by it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from moderation import notifier
from moderation.models import Screening
from tests.faults.accounting import LONG, SLOW, Books, left_to_do
from tests.faults.workers import PATIENT, TAKING_TIME, Workers
from tests.forum.models import Letter, Post

HOUR = 3600
LEASE_SECONDS = 60
"""As in worker_settings.py."""


def wrong_by(seconds: int) -> dict[str, str]:
    """The environment of a worker whose clock is that much ahead, or behind where it is negative."""
    return {"PYTHONPATH": str(Path(__file__).parent / "other_clock"), "CLOCK_OFF": str(seconds)}


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_a_worker_with_a_wrong_clock_takes_nothing_early_and_leaves_nothing_lying(
    workers: Workers, books: Books, off: int
) -> None:
    right, wrong = workers.start(environment=TAKING_TIME), workers.start(environment=wrong_by(off))

    def both_have_a_share() -> bool:
        Letter.objects.bulk_create(Letter(text=books.words(LONG)) for _ in range(8))
        return len({process for _, process in workers.told()}) == 2

    workers.wait_for(both_have_a_share, "both to work", pause=0.2)
    workers.wait_for(lambda: not left_to_do(), "the backlog")
    assert not Screening.objects.exclude(deaths=0).exists(), "somebody took over what was not theirs yet"
    scored = Screening.objects.filter(scored__isnull=False).values_list("scored", flat=True)
    assert any(abs(moment - timezone.now()) > timedelta(minutes=50) for moment in scored), "a right clock"

    # What the one with the right clock takes to its grave, the other takes over, and not in an hour.
    workers.kill(wrong)
    for _ in range(4):
        books.comment(Post, SLOW)
    workers.wait_for_claim()
    workers.kill(right)
    of_the_dead = set(
        Screening.objects.filter(lease_token__isnull=False).values_list("lease_token", flat=True)
    )
    assert of_the_dead
    workers.let_leases_run_out()
    workers.start(environment={**wrong_by(off), **TAKING_TIME})
    taken = Screening.objects.filter(lease_token__in=workers.wait_for_claim(other_than=of_the_dead))
    soon = Now() + timedelta(seconds=LEASE_SECONDS)
    assert taken.filter(lease_until__gt=Now(), lease_until__lte=soon).exists(), "a lease by the wrong clock"
    books.close()


def test_the_notifier_wakes_a_worker_whose_clock_is_an_hour_ahead(
    workers: Workers, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sweeps once an hour here: whatever is screened, the notifier brought about."""
    monkeypatch.setattr(notifier, "SOCKET_SECONDS", 10.0)
    workers.start(moderation={"SWEEP_SECONDS": HOUR}, environment={**wrong_by(HOUR), **PATIENT})
    workers.wait_for_line(" ready.")
    for _ in range(3):  # the first may still meet the sweep that a worker begins with
        books.comment(Post)
        workers.wait_for(lambda: not left_to_do(), "the notifier")
    assert "Discarding" not in workers.log()
    books.close()
