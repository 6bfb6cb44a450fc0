"""Taking pending screenings by a lease that ends by the database's clock, and giving them back."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.db import Error as DatabaseError
from django.db import close_old_connections, connections, router, transaction
from django.db.models import Case, F, Q, TextField, Value, When
from django.db.models.functions import Concat

from moderation.clock import Now
from moderation.conf import conf
from moderation.db.locking import locked_if_free, update_if_free
from moderation.isolation import read_committed
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

PUT_OFF_SECONDS = 60
"""What can't be read for reasons that are not its own waits so long, and the others go on."""

RENEWALS = 30
"""A batch may take ten leases: each is renewed after a third of it."""

DIED = "worker-died"
READING = "reading-error"


@dataclass(frozen=True)
class Claim:
    """Screenings that are ours until the lease ends; empty when nothing was to be had."""

    token: uuid.UUID
    screenings: list[Screening]

    def __bool__(self) -> bool:
        return bool(self.screenings)


def claim(limit: int, token: uuid.UUID | None = None) -> Claim:
    """Lease up to `limit` pending screenings, the highest priority and then the oldest first.

    token: of the caller's own making, to be released also where it never learns whether this succeeded.
    """
    return _claim(_expired().filter(_has_died(less_than=DEATHS_TO_BE_ALONE)), limit, token)


def has_suspects() -> bool:
    """Whether a worker ever died over a pending text: without, there is nothing to claim alone or to fail."""
    return Screening.objects.pending().filter(_SUSPECT).exists()


def is_one_for_alone() -> bool:
    """Whether `claim_alone` would find something."""
    return _for_alone().exists()


def is_backlog(texts: int) -> bool:
    """Whether more than `texts` wait to be claimed: more than one worker takes on at a time."""
    free = _expired().filter(_has_died(less_than=DEATHS_TO_BE_ALONE)).order_by("-priority", "created", "id")
    return bool(free.values_list("pk", flat=True)[texts : texts + 1])


def claim_alone(token: uuid.UUID | None = None) -> Claim:
    """Lease one screening whose worker died too often for it to be in anybody's company.

    The one with the fewest deaths: workers that are killed for reasons of their own then do not die with the
    same text again and again, while a text that kills them meets all of its deaths itself.
    """
    return _claim(_for_alone(), 1, token, _DEATHS)


@contextmanager
def kept(token: uuid.UUID) -> Iterator[None]:
    """Renew the lease while the caller works: whoever is merely slow has not died.

    A caller that hangs loses it in the end, after `RENEWALS`, so that its texts find another worker.
    """
    is_done = threading.Event()

    @read_committed()
    def keep() -> None:
        try:
            for _ in range(RENEWALS):
                if is_done.wait(conf.LEASE_SECONDS / 3):
                    return
                try:
                    _renew(token)
                except DatabaseError as error:  # it may be back before the lease ends
                    logger.warning("A lease was not renewed (%s).", type(error).__name__)
                    close_old_connections()
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
    """Give back what is still leased under `token`, with nothing counted against it; how many rows.

    A row that somebody is changing is left: waiting for a site's transaction would stop this worker. Most
    such rows are superseded by it; of the others `is_leased` tells, and the caller comes back.
    """
    return update_if_free(Screening.objects.filter(lease_token=token), lease_token=None, lease_until=None)


def put_off(token: uuid.UUID, screening_id: int) -> None:
    """Give one row back for later, with nothing counted: what it met is no fault of its own."""
    own = Screening.objects.filter(pk=screening_id, lease_token=token)
    until = Now() + timedelta(seconds=PUT_OFF_SECONDS)
    update_if_free(own, lease_token=None, lease_until=until)


def is_leased(token: uuid.UUID) -> bool:
    """True while a row is leased under `token`."""
    return Screening.objects.filter(lease_token=token).exists()


def count_error(token: uuid.UUID, screening_id: int, code: str, version: ModelVersion) -> bool:
    """Count an error of this row alone: it waits, or after the third one fails.

    False, with nothing counted: the row is not ours any more, or somebody is changing it at this moment. That
    is an edit, or the error comes again.
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
                lease_until=Now() + timedelta(seconds=RETRY_SECONDS * attempts),
            )
    return True


def fail_deadly(version: ModelVersion) -> int:
    """Fail what killed its worker too often, counting a lease that has run out just now; how many."""
    deadly = _expired().filter(_SUSPECT, ~_has_died(less_than=DEATHS_TO_FAIL))
    return _fail(deadly, DIED, version, deaths=F("deaths") + 1)


def retry_failed(version: ModelVersion) -> int:
    """Give what other versions failed at to this one, once; how many. Each stays in the queue until then.

    Once, whichever version claims it then: while two releases of a site run side by side, each with its own
    active version, they would else undo each other's failures for ever.
    """
    failed = Screening.objects.filter(is_current=True, status=Screening.Status.FAILED, outcome="")
    untried = failed.exclude(failed_version=version).exclude(failed_versions__contains=_listed(version))
    return update_if_free(
        untried,
        status=Screening.Status.PENDING,
        attempts=0,
        deaths=0,
        priority=Screening.Priority.LOW,
        failed_versions=_with(version),
    )


def retry_read(compared: Sequence[Screening]) -> int:
    """Have those that failed as their objects could not be read, and now can, tried again; how many."""
    keys = [row.pk for row in compared if row.error_code.startswith(READING) and not row.outcome]
    if not keys:
        return 0
    failed = Screening.objects.filter(
        pk__in=keys, status=Screening.Status.FAILED, is_current=True, outcome=""
    )
    return update_if_free(
        failed, status=Screening.Status.PENDING, attempts=0, deaths=0, priority=Screening.Priority.LOW
    )


def _renew(token: uuid.UUID) -> None:
    own = Screening.objects.filter(lease_token=token)
    update_if_free(own, lease_until=Now() + timedelta(seconds=conf.LEASE_SECONDS))


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
        taken = _expired().filter(pk__in=[row.pk for row in rows])
        count = taken.update(
            deaths=_DEATHS,
            lease_token=Value(token, output_field=Screening._meta.get_field("lease_token")),
            lease_until=Now() + timedelta(seconds=conf.LEASE_SECONDS),
        )
        if count < len(rows):
            ours = set(Screening.objects.filter(lease_token=token).values_list("pk", flat=True))
            rows = [row for row in rows if row.pk in ours]
    for row in rows:
        row.deaths += row.lease_token is not None
        row.lease_token = token
    return Claim(token, rows)


_SUSPECT = Q(deaths__gte=DEATHS_TO_BE_ALONE - 1)
"""What every text that is claimed alone or fails has in common, and an index of its own: the deaths that are
counted, or one less than that while a lease that ran out is not."""


_DEATHS = Case(
    When(lease_token__isnull=False, then=F("deaths") + 1),
    default=F("deaths"),
    output_field=Screening._meta.get_field("deaths"),
)
"""With the one that shows only by a lease that ran out."""


def _for_alone() -> ScreeningRows:
    died = ~_has_died(less_than=DEATHS_TO_BE_ALONE) & _has_died(less_than=DEATHS_TO_FAIL)
    return _expired().filter(_SUSPECT, died)


def _has_died(*, less_than: int) -> Q:
    """Deaths so far; a lease that ran out while somebody held it is one that is not counted yet."""
    return Q(lease_token=None, deaths__lt=less_than) | Q(lease_token__isnull=False, deaths__lt=less_than - 1)


def _expired() -> ScreeningRows:
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    return Screening.objects.pending().filter(free)


def _fail(rows: ScreeningRows, code: str, version: ModelVersion, **columns: object) -> int:
    """Stop trying and put it before a person; a comment keeps the visibility that it had while pending."""
    failed = update_if_free(
        rows,
        status=Screening.Status.FAILED,
        queued_for=Case(
            When(queued_for=Screening.QueuedFor.EDITED, then=F("queued_for")),
            default=Value(Screening.QueuedFor.FAILED.value),
        ),
        sampling_probability=1.0,
        error_code=code,
        failed_version=version,
        failed_versions=_with(version),
        lease_token=None,
        lease_until=None,
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
