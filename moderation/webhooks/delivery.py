"""Delivers the outbox: at least once, in any order, with back-off, until it is acknowledged or given up.

A delivery is leased before it is sent and marked after it was acknowledged. A worker that dies in between has
sent what nobody marked: its lease ends by the database's clock, and another worker sends it again, under the
same event id.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, NullIf

from moderation import metrics
from moderation.clock import Now
from moderation.conf import conf
from moderation.db.locking import locked_if_free, update_if_free
from moderation.isolation import read_committed
from moderation.models import Screening, Webhook, WebhookDelivery
from moderation.webhooks import sending, signatures
from moderation.webhooks.sending import SendFailed

logger = logging.getLogger("moderation.webhooks")

BATCH = 20
"""Deliveries of one webhook that a worker leases at a time, and sends before it looks at the next webhook."""
LEASE_SECONDS = 300
"""Longer than BATCH tries take at most."""
RETRY_SECONDS = 10
"""Pause of a delivery after its first failure; each further one trebles it."""
LONGEST_RETRY_SECONDS = 6 * 3600
LONGEST_PAUSE_SECONDS = 600
"""For which a webhook that fails again and again is left alone, with all that waits for it."""
GIVE_UP_DAYS = 3
JITTER = 0.2
"""Share by which each pause is longer or shorter, so that not all come again at once."""
CHUNK = 1000
"""Rows that are removed or given up in one statement."""
NO_SECRET = "no-secret"  # noqa: S105 - a code of ours
ABANDONED = "abandoned"
USER_AGENT = "django-toxicity-moderation"


@dataclass
class Delivered:
    """Counts what became of the tries."""

    delivered: int = 0
    failed: int = 0


@read_committed()
def deliver_due(*, stop: threading.Event | None = None, seconds: float | None = None) -> Delivered:
    """Send what is due, a batch of each webhook in turn. Raises DatabaseError when the database is away.

    stop: set to end after the try at hand. seconds: begin no batch later than that.
    """
    done = Delivered()
    end = None if seconds is None else time.monotonic() + seconds
    is_busy = True
    while is_busy:
        is_busy = False
        for webhook in Webhook.objects.ready().order_by("pk"):
            if _is_over(stop, end):
                return done
            is_busy |= _deliver_batch(webhook, stop, done)
    return done


def send_again(deliveries: Sequence[int]) -> int:
    """Have deliveries that ended sent once more, at once and under their old event ids; returns how many."""
    Webhook.objects.filter(deliveries__in=deliveries).update(paused_until=None)
    rows = WebhookDelivery.objects.filter(pk__in=deliveries).exclude(status=WebhookDelivery.Status.WAITING)
    # Their time begins anew, lest they are given up at the first failure.
    return update_if_free(
        rows,
        status=WebhookDelivery.Status.WAITING,
        ended=None,
        retry_at=None,
        attempts=0,
        waiting_since=Now(),
    )


def tidy() -> int:
    """Give up what waits in vain, and remove old deliveries that ended; returns how many were removed."""
    long_ago = Now() - timedelta(days=GIVE_UP_DAYS)
    in_vain = Q(webhook__is_enabled=False) | Q(webhook__failing_since__isnull=False)
    waiting = WebhookDelivery.objects.waiting().filter(in_vain, waiting_since__lt=long_ago)
    keys = list(waiting.unleased().values_list("pk", flat=True)[:CHUNK])
    if keys:
        code = Coalesce(NullIf(F("last_error"), Value("")), Value(ABANDONED))
        given_up = update_if_free(
            WebhookDelivery.objects.waiting().unleased().filter(pk__in=keys),
            status=WebhookDelivery.Status.GIVEN_UP,
            ended=Now(),
            last_error=code,
        )
        metrics.count_webhook_tries("given-up", given_up)
    old = WebhookDelivery.objects.exclude(status=WebhookDelivery.Status.WAITING)
    old = old.filter(ended__lt=Now() - timedelta(days=conf.WEBHOOK_RETENTION_DAYS))
    removed, _ = WebhookDelivery.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:CHUNK])
    ).delete()
    return removed


def body_of(delivery: WebhookDelivery, webhook: Webhook) -> bytes:
    """The JSON that is sent, in ASCII; with the text, as it is stored now, where the webhook asks for it."""
    data: dict[str, Any] = dict(delivery.payload)
    if webhook.includes_text and delivery.screening_id is not None:
        data["text"] = _text_of(delivery.screening_id)
    event = {
        "id": str(delivery.event_id),
        "type": delivery.event,
        "created": delivery.created.isoformat(),
        "data": data,
    }
    return json.dumps(event).encode()


def _is_over(stop: threading.Event | None, end: float | None) -> bool:
    return (stop is not None and stop.is_set()) or (end is not None and time.monotonic() > end)


def _deliver_batch(webhook: Webhook, stop: threading.Event | None, done: Delivered) -> bool:
    """Send a batch up to its first failure. True: the webhook took all of it, and may have more."""
    token = uuid.uuid4()
    batch = _claim(webhook, token)
    try:
        for delivery in batch:
            if _is_over(stop, None):
                return False
            if not _deliver(delivery, webhook, token):
                done.failed += 1
                return False
            done.delivered += 1
    finally:
        if batch:
            left = WebhookDelivery.objects.filter(lease_token=token)
            update_if_free(left, lease_token=None, lease_until=None)
    return bool(batch)


def _claim(webhook: Webhook, token: uuid.UUID) -> list[WebhookDelivery]:
    """Lease the oldest of what is due for a webhook; a look without a lock first, as mostly nothing is."""
    due = WebhookDelivery.objects.due().filter(webhook=webhook).order_by("id")
    if not due.exists():
        return []
    with transaction.atomic(using=router.db_for_write(WebhookDelivery)):
        rows = list(locked_if_free(due)[:BATCH])
        until = Now() + timedelta(seconds=LEASE_SECONDS)
        own = WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows])
        own.update(lease_token=token, lease_until=until)
    return rows


def _deliver(delivery: WebhookDelivery, webhook: Webhook, token: uuid.UUID) -> bool:
    """Try once, and note how it went. True: it was acknowledged."""
    try:
        _send(delivery, webhook)
    except SendFailed as error:
        _fail(delivery, webhook, token, error.code)
        return False
    _succeed(delivery, webhook, token)
    return True


def _send(delivery: WebhookDelivery, webhook: Webhook) -> None:
    secret = signatures.secret_of(webhook)
    if secret is None:
        raise SendFailed(NO_SECRET)
    body, timestamp = body_of(delivery, webhook), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Moderation-Event": delivery.event,
        "X-Moderation-Id": str(delivery.event_id),
        "X-Moderation-Timestamp": timestamp,
        "X-Moderation-Signature": signatures.signature(secret, timestamp, body),
    }
    sending.post(webhook.url, body, headers)


def _succeed(delivery: WebhookDelivery, webhook: Webhook, token: uuid.UUID) -> None:
    metrics.count_webhook_tries("delivered")
    with transaction.atomic(using=router.db_for_write(WebhookDelivery)):
        WebhookDelivery.objects.filter(pk=delivery.pk, lease_token=token).update(
            status=WebhookDelivery.Status.DELIVERED,
            attempts=F("attempts") + 1,
            ended=Now(),
            last_error="",
            **_RELEASED,
        )
        Webhook.objects.filter(pk=webhook.pk).update(
            last_delivered=Now(), failing_since=None, failures=0, last_error="", paused_until=None
        )


def _fail(delivery: WebhookDelivery, webhook: Webhook, token: uuid.UUID, code: str) -> None:
    """Count the failure, make the delivery wait, and its webhook pause; after three days it is given up."""
    logger.warning(
        "Webhook %s: delivery %s was not acknowledged (%s).",
        webhook.pk,
        delivery.pk,
        code,
        extra={"code": "webhook-failed"},
    )
    metrics.count_webhook_tries("failed")
    own = WebhookDelivery.objects.filter(pk=delivery.pk, lease_token=token)
    with transaction.atomic(using=router.db_for_write(WebhookDelivery)):
        retry_at = Now() + timedelta(seconds=_pause(delivery.attempts, LONGEST_RETRY_SECONDS))
        own.update(attempts=F("attempts") + 1, last_error=code, retry_at=retry_at)
        long_ago = own.filter(waiting_since__lt=Now() - timedelta(days=GIVE_UP_DAYS))
        given_up = long_ago.update(status=WebhookDelivery.Status.GIVEN_UP, ended=Now(), **_RELEASED)
        own.update(**_RELEASED)
        Webhook.objects.filter(pk=webhook.pk).update(
            failures=F("failures") + 1,
            failing_since=Coalesce(F("failing_since"), Now()),
            last_error=code,
            paused_until=Now() + timedelta(seconds=_pause(webhook.failures, LONGEST_PAUSE_SECONDS)),
        )
    metrics.count_webhook_tries("given-up", given_up)


_RELEASED: dict[str, Any] = {"lease_token": None, "lease_until": None}


def _pause(failures: int, longest: float) -> float:
    """Seconds until the next try, after `failures` earlier failures: 10, 30, 90 and so on."""
    seconds = min(longest, RETRY_SECONDS * 3.0 ** min(failures, 20))
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - a pause, not a secret


def _text_of(screening_id: int) -> str | None:
    """The screened text, or None where it is blanked or gone."""
    row = Screening.objects.filter(pk=screening_id, blanked=None).values_list("text", flat=True).first()
    return None if row is None else str(row)
