"""Each named set of screenings picks exactly the rows that its name says, of every state of a row."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from moderation.models import Screening
from moderation.models.screenings import ScreeningQuerySet

pytestmark = pytest.mark.django_db

PAST = timezone.now() - timedelta(days=1)
FUTURE = timezone.now() + timedelta(days=1)
NOBODY, WORKER = None, uuid.UUID(int=1)

STATUSES = (("pending", ""), ("failed", ""), ("superseded", ""))
SCORED = (("done", "clear"), ("done", "flagged"), ("done", "held"), ("done", "unjudged"))
"""Status and verdict."""
QUEUES = (("", ""), ("flagged", ""), ("failed", ""), ("flagged", "show"), ("failed", "hide"))
"""Queued for, and outcome."""
LEASES = ((NOBODY, None), (NOBODY, PAST), (NOBODY, FUTURE), (WORKER, PAST), (WORKER, FUTURE))
"""Who has it, and until when: of a screening to score, and of an action to carry out."""
RETRIES = (None, PAST, FUTURE)
"""When it may be claimed again after an error."""


def scoring_states() -> Iterator[dict[str, Any]]:
    """All that scoring and people can make of a text."""
    for (status, verdict), is_current, (queued_for, outcome), (token, until), retry_at in product(
        STATUSES + SCORED, (True, False), QUEUES, LEASES, RETRIES
    ):
        yield {
            "status": status,
            "verdict": verdict,
            "is_current": is_current,
            "queued_for": queued_for,
            "outcome": outcome,
            "lease_token": token,
            "lease_until": until,
            "retry_at": retry_at,
        }


def action_states() -> Iterator[dict[str, Any]]:
    """All that hiding and showing can be at, while the text is scored or not."""
    for (status, verdict), lease_token, is_pending, (token, until) in product(
        STATUSES + SCORED, (NOBODY, WORKER), (True, False), LEASES
    ):
        yield {
            "status": status,
            "verdict": verdict,
            "lease_token": lease_token,
            "action_pending": is_pending,
            "action_token": token,
            "action_until": until,
        }


def is_free(until: Any) -> bool:
    return until in (None, PAST)


Set = Callable[[ScreeningQuerySet], ScreeningQuerySet]
Condition = Callable[[Screening], bool]

SETS: dict[str, tuple[Set, Condition]] = {
    "pending": (ScreeningQuerySet.pending, lambda row: row.status == "pending" and row.is_current),
    "unleased": (ScreeningQuerySet.unleased, lambda row: is_free(row.lease_until)),
    "claimable": (
        ScreeningQuerySet.claimable,
        lambda row: (
            row.status == "pending" and row.is_current and is_free(row.lease_until) and is_free(row.retry_at)
        ),
    ),
    "leased": (
        ScreeningQuerySet.leased,
        lambda row: row.lease_token == WORKER and row.lease_until == FUTURE,
    ),
    "with a verdict": (ScreeningQuerySet.with_verdict, lambda row: row.status == "done" and row.is_current),
    "failed": (ScreeningQuerySet.failed, lambda row: row.status == "failed" and row.is_current),
    "failed, undecided": (
        ScreeningQuerySet.failed_undecided,
        lambda row: row.status == "failed" and row.is_current and row.outcome == "",
    ),
    "open": (
        ScreeningQuerySet.open,
        lambda row: row.is_current and row.outcome == "" and row.queued_for != "",
    ),
    "open, as a row says": (ScreeningQuerySet.open, lambda row: row.is_open),
    "decided": (ScreeningQuerySet.decided, lambda row: row.outcome in ("show", "hide")),
    "unjudged": (ScreeningQuerySet.unjudged, lambda row: row.verdict == "unjudged"),
    "flagged or held": (
        ScreeningQuerySet.flagged_or_held,
        lambda row: row.verdict in ("flagged", "held"),
    ),
}
ACTION_SETS: dict[str, tuple[Set, Condition]] = {
    "action pending": (ScreeningQuerySet.action_pending, lambda row: row.action_pending),
    "action unclaimed": (
        ScreeningQuerySet.action_unclaimed,
        lambda row: row.action_pending and (row.action_token is None or row.action_until == PAST),
    ),
    "action due": (
        ScreeningQuerySet.action_due,
        lambda row: (
            row.action_pending
            and is_free(row.action_until)
            and not (row.status == "pending" and row.lease_token == WORKER)
        ),
    ),
}


def picks(states: Iterator[dict[str, Any]], pick: Set, belongs: Condition) -> bool:
    """True where `pick` takes exactly the rows that belong, of which there are some, but not all."""
    rows = Screening.objects.bulk_create(Screening(source="import", **state) for state in states)
    expected = {row.pk for row in rows if belongs(row)}
    assert 0 < len(expected) < len(rows)
    return {row.pk for row in pick(Screening.objects.all())} == expected


@pytest.mark.parametrize(("pick", "belongs"), SETS.values(), ids=SETS)
def test_a_set_of_scoring_and_of_the_queue(pick: Set, belongs: Condition) -> None:
    assert picks(scoring_states(), pick, belongs)


@pytest.mark.parametrize(("pick", "belongs"), ACTION_SETS.values(), ids=ACTION_SETS)
def test_a_set_of_actions(pick: Set, belongs: Condition) -> None:
    assert picks(action_states(), pick, belongs)


def test_the_open_ones_come_the_most_severe_first() -> None:
    mild, worst, next_worst = (
        Screening.objects.create(source="import", queued_for="flagged", severity=severity)
        for severity in (0.1, 0.5, 0.5)
    )
    assert [row.pk for row in Screening.objects.open()] == [worst.pk, next_worst.pk, mild.pk]
