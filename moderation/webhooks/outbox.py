"""Notes what webhooks are to be told, in the transaction that stores it. Sends nothing.

A transaction that is undone takes its notes with it; one that is committed has them delivered, however often
that takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import router

from moderation.db.after_commit import after_commit
from moderation.models import Webhook, WebhookDelivery

TEST = "webhook.test"
"""The event of the admin's button; every webhook gets it when asked."""

wake: Callable[[], object] | None = None
"""Tells this process's delivery thread that something was noted; None where it has no such thread."""


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    name: str
    """A `Webhook.Event` value, or TEST."""
    screening_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    """What is told of it. Never a text."""


def note(events: Callable[[], Iterable[Event]]) -> int:
    """Write a row for each event and each webhook that wants it; returns how many.

    events: called only where there is a webhook, so that without one this is a single small query. Call it in
    the transaction that stores what happened. Raises DatabaseError.
    """
    webhooks = list(Webhook.objects.enabled().order_by("pk").only("pk", "events"))
    if not webhooks:
        return 0
    return _write(
        (webhook, event) for event in events() for webhook in webhooks if event.name in webhook.events
    )


def note_test(webhook: Webhook) -> int:
    """Have a test event sent to this webhook alone, and at once, also after failures; returns 1."""
    Webhook.objects.filter(pk=webhook.pk).update(paused_until=None)
    return _write([(webhook, Event(TEST))])


def _write(pairs: Iterable[tuple[Webhook, Event]]) -> int:
    rows = [
        WebhookDelivery(
            webhook=webhook, event=event.name, screening_id=event.screening_id, payload=event.payload
        )
        for webhook, event in pairs
    ]
    if rows:
        WebhookDelivery.objects.bulk_create(rows)
        after_commit(_wake, router.db_for_write(WebhookDelivery), is_repeatable=False)
    return len(rows)


def _wake() -> None:
    if wake is not None:
        wake()
