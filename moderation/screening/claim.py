"""Taking pending screenings by a lease that ends by the database's clock, and giving them back."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import router, transaction
from django.db.models import Case, F, FloatField, Q, TextField, Value, When
from django.db.models.functions import Concat

from moderation.clock import Now
from moderation.conf import conf
from moderation.coordination import leases
from moderation.db.locking import locked_if_free, update_if_free
from moderation.models import ModelVersion, Screening
from moderation.models.screenings import ScreeningQuerySet as ScreeningRows

logger = logging.getLogger("moderation.screening")

DEATHS_TO_QUARANTINE = 2
"""Deaths of workers that put a text in quarantine: from then on it is claimed alone."""
DEATHS_TO_FAIL = DEATHS_TO_QUARANTINE + 3
"""Three more deaths in quarantine: it is a poison text, which itself kills workers, and fails."""
ATTEMPTS_TO_FAIL = 3
"""Errors of scoring this text alone."""
RETRY_SECONDS = 5
"""Seconds that a text with an error of its own waits, times its attempts."""

PUT_OFF_SECONDS = 60
"""Seconds that a text waits whose object can't be read at the moment; the others go on."""

DIED = "worker-died"
READING = "reading-error"


@dataclass(frozen=True)
class Claim:
    """Screenings that are leased to us until the lease ends; empty where nothing could be claimed."""

    token: uuid.UUID
    screenings: list[Screening]

    def __bool__(self) -> bool:
        return bool(self.screenings)


def claim(limit: int, token: uuid.UUID | None = None) -> Claim:
    """Lease up to `limit` pending screenings, the highest priority and then the oldest first.

    token: the lease token to use. A caller that made it can release it even where an error hides whether the
    claim succeeded.
    """
    return _claim(
        Screening.objects.claimable().filter(_has_died(less_than=DEATHS_TO_QUARANTINE)), limit, token
    )


def has_deaths() -> bool:
    """True where a worker died over a pending text: only then can one be in quarantine, or be poison."""
    return Screening.objects.pending().filter(_HAS_DEATHS).exists()


def has_quarantined() -> bool:
    """True where a quarantined text is free to be claimed by `claim_quarantined`."""
    return _quarantined().exists()


def is_backlog(texts: int) -> bool:
    """True where more than `texts` wait to be claimed, that is more than one worker takes on at a time."""
    healthy = Screening.objects.claimable().filter(_has_died(less_than=DEATHS_TO_QUARANTINE))
    free = healthy.order_by("-priority", "created", "id")
    return bool(free.values_list("pk", flat=True)[texts : texts + 1])


def claim_quarantined(token: uuid.UUID | None = None) -> Claim:
    """Lease one quarantined screening, which is scored while nothing else is: it may be poison.

    It takes the one with the fewest deaths: workers that are killed for reasons of their own then do not die
    with the same text again and again, while a text that kills them meets all of its deaths itself.
    """
    return _claim(_quarantined(), 1, token, _DEATHS)


@contextmanager
def kept(token: uuid.UUID) -> Iterator[None]:
    """Renew the lease while the caller works: a slow worker has not died.

    A caller that hangs loses the lease after `leases.RENEWALS`, so that its texts find another worker.
    """
    with leases.renewed("screenings", partial(_renew, token), conf.LEASE_SECONDS):
        yield


def release(token: uuid.UUID) -> int:
    """Release what is still leased under `token`, with nothing counted against it; how many rows.

    A row that somebody is changing is left: waiting for a site's transaction would stop this worker. Most
    such rows are superseded by it; of the others `is_leased` tells, and the caller comes back.
    """
    return update_if_free(Screening.objects.filter(lease_token=token), lease_token=None, lease_until=None)


def put_off(token: uuid.UUID, screening_id: int) -> None:
    """Release one row for `PUT_OFF_SECONDS`, with nothing counted: what it met is no fault of its own."""
    own = Screening.objects.filter(pk=screening_id, lease_token=token)
    retry_at = Now() + timedelta(seconds=PUT_OFF_SECONDS)
    update_if_free(own, lease_token=None, lease_until=None, retry_at=retry_at)


def is_leased(token: uuid.UUID) -> bool:
    """True while a row is leased under `token`."""
    return Screening.objects.filter(lease_token=token).exists()


def count_error(token: uuid.UUID, screening_id: int, code: str, version: ModelVersion) -> bool:
    """Count an error of scoring this row by itself: the row waits, and fails after the third one.

    Returns False, with nothing counted, where the row is not ours any more or somebody is changing it at this
    moment: that is an edit, or the error comes again.
    """
    own = Screening.objects.filter(pk=screening_id, lease_token=token)
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = locked_if_free(own).first()
        if screening is None:
            return False
        attempts = screening.attempts + 1
        if attempts >= ATTEMPTS_TO_FAIL:
            _fail(own, code, version, attempts=attempts)
        else:
            own.update(
                attempts=attempts,
                error_code=code,
                lease_token=None,
                lease_until=None,
                retry_at=Now() + timedelta(seconds=RETRY_SECONDS * attempts),
            )
    return True


def fail_deadly(version: ModelVersion) -> int:
    """Fail the poison texts, over which too many workers died, in quarantine too; how many.

    A lease that has run out just now counts as a death.
    """
    deadly = Screening.objects.claimable().filter(_HAS_DEATHS, ~_has_died(less_than=DEATHS_TO_FAIL))
    return _fail(deadly, DIED, version, deaths=F("deaths") + 1)


def retry_failed(version: ModelVersion) -> int:
    """Have this version try, once, the texts that other versions failed at; how many.

    Each stays in the queue until then. Once, whichever version claims it then: while two releases of a site
    run side by side, each with its own active version, they would else undo each other's failures again and
    again.
    """
    failed = Screening.objects.failed_undecided()
    untried = failed.exclude(failed_version=version).exclude(failed_versions__contains=_listed(version))
    return update_if_free(
        untried,
        status=Screening.Status.PENDING,
        attempts=0,
        deaths=0,
        retry_at=None,
        priority=Screening.Priority.LOW,
        failed_versions=_with(version),
    )


def retry_read(compared: Sequence[Screening]) -> int:
    """Try again the texts whose objects could not be read and now can; how many."""
    keys = [row.pk for row in compared if row.error_code.startswith(READING) and not row.outcome]
    if not keys:
        return 0
    failed = Screening.objects.failed_undecided().filter(pk__in=keys)
    return update_if_free(
        failed,
        status=Screening.Status.PENDING,
        attempts=0,
        deaths=0,
        retry_at=None,
        priority=Screening.Priority.LOW,
    )


def _renew(token: uuid.UUID) -> bool:
    """Renew what is leased under `token`. True in any case: rows that are busy now are renewed later."""
    own = Screening.objects.filter(lease_token=token)
    update_if_free(own, lease_until=Now() + timedelta(seconds=conf.LEASE_SECONDS))
    return True


def _claim(which: ScreeningRows, limit: int, token: uuid.UUID | None, *first: Case) -> Claim:
    """Two short statements in one transaction.

    PostgreSQL: the rows are locked, and those that another worker is claiming are skipped. SQLite: the
    transaction is IMMEDIATE, so nobody else is claiming; Django drops `skip_locked` there silently. The
    UPDATE asks again whether a row is free, so that no setting of the site can give one to two workers.
    """
    token = token or uuid.uuid4()
    with transaction.atomic(using=router.db_for_write(Screening)):
        free = which.order_by(*first, "-priority", "created", "id")
        rows = list(locked_if_free(free)[:limit])
        if not rows:
            return Claim(token, [])
        taken = Screening.objects.claimable().filter(pk__in=[row.pk for row in rows])
        count = taken.update(
            deaths=_DEATHS,
            lease_token=Value(token, output_field=Screening._meta.get_field("lease_token")),
            lease_until=Now() + timedelta(seconds=conf.LEASE_SECONDS),
            retry_at=None,
        )
        if count < len(rows):
            claimed = set(Screening.objects.filter(lease_token=token).values_list("pk", flat=True))
            rows = [row for row in rows if row.pk in claimed]
    for row in rows:
        row.deaths += row.lease_token is not None
        row.lease_token, row.retry_at = token, None
    return Claim(token, rows)


_HAS_DEATHS = Q(deaths__gte=DEATHS_TO_QUARANTINE - 1)
"""True of every quarantined and every poison text; an index has this condition. One death less than it takes,
as a lease that ran out is a death that is not counted yet."""


_DEATHS = Case(
    When(lease_token__isnull=False, then=F("deaths") + 1),
    default=F("deaths"),
    output_field=Screening._meta.get_field("deaths"),
)
"""Deaths, with the one that shows only by a lease that ran out."""


def _quarantined() -> ScreeningRows:
    died = ~_has_died(less_than=DEATHS_TO_QUARANTINE) & _has_died(less_than=DEATHS_TO_FAIL)
    return Screening.objects.claimable().filter(_HAS_DEATHS, died)


def _has_died(*, less_than: int) -> Q:
    """Deaths so far; a lease that ran out while somebody held it is one that is not counted yet."""
    return Q(lease_token=None, deaths__lt=less_than) | Q(lease_token__isnull=False, deaths__lt=less_than - 1)


def _fail(rows: ScreeningRows, code: str, version: ModelVersion, **columns: object) -> int:
    """Fail the rows and queue them for a person; a comment keeps the visibility that it had while pending.

    A suggestion stays in the queue of the suggestions, and nowhere else.
    """
    failed = update_if_free(
        rows,
        status=Screening.Status.FAILED,
        queued_for=Case(
            When(source=Screening.Source.SUGGESTION, then=Value("")),
            When(queued_for=Screening.QueuedFor.EDITED, then=F("queued_for")),
            default=Value(Screening.QueuedFor.FAILED.value),
        ),
        sampling_probability=Case(
            When(source=Screening.Source.SUGGESTION, then=Value(None)),
            default=Value(1.0),
            output_field=FloatField(),
        ),
        error_code=code,
        failed_version=version,
        failed_versions=_with(version),
        lease_token=None,
        lease_until=None,
        retry_at=None,
        **columns,
    )
    if failed:
        extra = {"count": failed, "code": code, "version": str(version)}
        logger.error(
            "%d text(s) could not be scored (%s) and wait in the queue for a person.",
            failed,
            code,
            extra=extra,
        )
    return failed


def _listed(version: ModelVersion) -> str:
    """As `Screening.failed_versions` lists it."""
    return f",{version.pk},"


def _with(version: ModelVersion) -> Case:
    """The list of versions that had their try, with this one."""
    listed = Value(_listed(version), output_field=TextField())
    return Case(
        When(failed_versions__contains=_listed(version), then=F("failed_versions")),
        default=Concat(F("failed_versions"), listed, output_field=TextField()),
    )
