"""Taking pending screenings by a lease that ends by the database's clock, and giving them back."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, connections, router, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from moderation.conf import conf
from moderation.models import ModelVersion, Screening
from moderation.models.screenings import ScreeningQuerySet as ScreeningRows

logger = logging.getLogger("moderation.screening")

DEATHS_TO_BE_ALONE = 2
"""A row whose worker died so often is claimed alone from then on."""
DEATHS_TO_FAIL = DEATHS_TO_BE_ALONE + 3
"""Three more deaths, alone: the text itself kills workers."""
ATTEMPTS_TO_FAIL = 3
"""Errors of scoring this text alone."""
RETRY_SECONDS = 5
"""After an error of its own a text waits so long, times its attempts."""

RENEWALS = 30
"""A batch may take ten leases: each is renewed after a third of it."""

DIED = "worker-died"


@dataclass(frozen=True)
class Claim:
    """Screenings that are ours until the lease ends; empty when nothing was to be had."""

    token: uuid.UUID
    screenings: list[Screening]

    def __bool__(self) -> bool:
        return bool(self.screenings)


def claim(limit: int) -> Claim:
    """Lease up to `limit` pending screenings, the highest priority and then the oldest first."""
    return _claim(_has_died(less_than=DEATHS_TO_BE_ALONE), limit)


def claim_alone() -> Claim:
    """Lease one screening whose worker died too often for it to be in anybody's company."""
    return _claim(~_has_died(less_than=DEATHS_TO_BE_ALONE) & _has_died(less_than=DEATHS_TO_FAIL), 1)


@contextmanager
def kept(token: uuid.UUID) -> Iterator[None]:
    """Renew the lease while the caller works: whoever is merely slow has not died.

    A caller that hangs loses it in the end, after `RENEWALS`, so that its texts find another worker.
    """
    is_done = threading.Event()

    def keep() -> None:
        try:
            for _ in range(RENEWALS):
                if is_done.wait(conf.LEASE_SECONDS / 3):
                    return
                _renew(token)
        except DatabaseError as error:
            logger.warning("A lease was not renewed (%s).", type(error).__name__)
        finally:
            connections.close_all()  # this thread's own

    thread = threading.Thread(target=keep, name="moderation-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join(1)


def release(token: uuid.UUID) -> int:
    """Give back what is still leased under `token`, with nothing counted against it; how many rows."""
    return Screening.objects.filter(lease_token=token).update(lease_token=None, lease_until=None)


def count_error(token: uuid.UUID, screening_id: int, code: str, version: ModelVersion) -> None:
    """Count an error of scoring this text alone: it waits, or after the third one fails."""
    own = Screening.objects.filter(pk=screening_id, lease_token=token)
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = own.select_for_update().first()
        if screening is None:
            return
        attempts = screening.attempts + 1
        if attempts >= ATTEMPTS_TO_FAIL:
            _fail(own, code, version, attempts=attempts)
        else:
            own.update(
                attempts=attempts,
                error_code=code,
                lease_token=None,
                lease_until=Now() + timedelta(seconds=RETRY_SECONDS * attempts),
            )


def fail_deadly(version: ModelVersion) -> int:
    """Fail what killed its worker too often, counting a lease that has run out just now; how many."""
    deadly = _expired().filter(~_has_died(less_than=DEATHS_TO_FAIL))
    return _fail(deadly, DIED, version, deaths=F("deaths") + 1)


def retry_failed(version: ModelVersion) -> int:
    """Give what another version failed at to this one; how many. Each stays in the queue until then."""
    failed = Screening.objects.filter(is_current=True, status=Screening.Status.FAILED, outcome="")
    return failed.exclude(failed_version=version).update(
        status=Screening.Status.PENDING, attempts=0, deaths=0, priority=Screening.Priority.LOW
    )


def _renew(token: uuid.UUID) -> None:
    own = Screening.objects.filter(lease_token=token)
    own.update(lease_until=Now() + timedelta(seconds=conf.LEASE_SECONDS))


def _claim(which: Q, limit: int) -> Claim:
    """Two short statements in one transaction.

    PostgreSQL: the rows are locked, and those that another worker is claiming are skipped. SQLite: the
    transaction is IMMEDIATE, so nobody else is claiming; Django drops `skip_locked` there silently. The
    UPDATE asks again whether a row is free, so that no setting of the site can give one to two workers.
    """
    using = router.db_for_write(Screening)
    token = uuid.uuid4()
    with transaction.atomic(using=using):
        free = _expired().filter(which).order_by("-priority", "created", "id")
        chosen = free.values_list("pk", flat=True)
        if connections[using].features.has_select_for_update_skip_locked:
            chosen = chosen.select_for_update(skip_locked=True)
        keys = list(chosen[:limit])
        if not keys:
            return Claim(token, [])
        _expired().filter(pk__in=keys).update(
            deaths=Case(
                When(lease_token__isnull=False, then=F("deaths") + 1),
                default=F("deaths"),
                output_field=Screening._meta.get_field("deaths"),
            ),
            lease_token=Value(token, output_field=Screening._meta.get_field("lease_token")),
            lease_until=Now() + timedelta(seconds=conf.LEASE_SECONDS),
        )
    return Claim(token, _in_order(keys, Screening.objects.using(using).filter(lease_token=token)))


def _has_died(*, less_than: int) -> Q:
    """Deaths so far; a lease that ran out while somebody held it is one that is not counted yet."""
    return Q(lease_token=None, deaths__lt=less_than) | Q(lease_token__isnull=False, deaths__lt=less_than - 1)


def _expired() -> ScreeningRows:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return Screening.objects.using(router.db_for_write(Screening)).pending().filter(free)


def _in_order(keys: list[int], rows: Iterable[Screening]) -> list[Screening]:
    by_key = {row.pk: row for row in rows}
    return [by_key[key] for key in keys if key in by_key]


def _fail(rows: ScreeningRows, code: str, version: ModelVersion, **columns: object) -> int:
    """Stop trying and put it before a person; a comment keeps the visibility that it had while pending."""
    failed = rows.update(
        status=Screening.Status.FAILED,
        queued_for=Case(
            When(queued_for=Screening.QueuedFor.EDITED, then=F("queued_for")),
            default=Value(Screening.QueuedFor.FAILED.value),
        ),
        sampling_probability=1.0,
        error_code=code,
        failed_version=version,
        lease_token=None,
        lease_until=None,
        **columns,
    )
    if failed:
        logger.error("%d text(s) could not be scored (%s) and wait in the queue for a person.", failed, code)
    return failed
