"""Long runs: a lease lets one process at a time run, and a row says how far the run is.

Position and counts are stored in the transaction that stores the results, which also renews the lease: a
process that lost its lease stores nothing any more, and one that was killed has lost one chunk of work.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import router, transaction
from django.utils import timezone

from moderation.coordination import leases, processes
from moderation.models import Lease, ModelVersion, ScreeningRun

LEASE = "rescreen"
LEASE_SECONDS = 120.0
LOOK_SECONDS = 0.5


class AlreadyRunning(Exception):
    """Raised where another process holds the lease; the message says which."""


class TakenOver(Exception):
    """Raised where this process lost the lease to another one, as it had not renewed it in time."""


class RunLease:
    """The lease under which this process runs."""

    def __init__(self, token: uuid.UUID) -> None:
        self._token = token
        self._renewed = time.monotonic()

    def renew_if_due(self) -> None:
        """Renew it where a third of its time has passed; call it between chunks of work. Raises TakenOver."""
        if time.monotonic() - self._renewed > LEASE_SECONDS / 3:
            self.renew()

    def renew(self) -> None:
        """Renew it now. In a transaction, nobody takes over before the commit. Raises TakenOver."""
        if not leases.renew(LEASE, self._token, LEASE_SECONDS):
            raise TakenOver("Another process has taken over; this one stops.")
        self._renewed = time.monotonic()

    def release(self) -> None:
        """Release it: another process may run at once."""
        leases.give_back(LEASE, self._token)


@contextmanager
def exclusive_run(say: Callable[[str], object] = lambda text: None) -> Iterator[RunLease]:
    """Hold the lease for the time of a run. Raises AlreadyRunning where a live process has it.

    The lease of a process that was killed on this machine is free at once. Where nobody can tell from here,
    this waits: a living process renews its lease, a dead one's runs out.
    """
    lease = RunLease(_take(say))
    try:
        yield lease
    finally:
        lease.release()


@dataclass(frozen=True)
class Scope:
    """The screenings or objects that a run goes through."""

    kind: ScreeningRun.Kind
    version: ModelVersion | None = None
    model_label: str = ""
    """Only this registered model; empty: all."""
    since: datetime | None = None
    """Only what was first screened at this time or later."""


def unfinished(scope: Scope) -> ScreeningRun | None:
    """The run of this scope that was stopped before its end, or None."""
    rows = ScreeningRun.objects.filter(
        kind=scope.kind,
        model_version=scope.version,
        model_label=scope.model_label,
        since=scope.since,
        finished=None,
    )
    return rows.order_by("-id").first()


def begin(scope: Scope, *, last: str, total: int, username: str) -> ScreeningRun:
    """Create a run that ends at the key `last`, `total` keys from here."""
    return ScreeningRun.objects.create(
        kind=scope.kind,
        model_version=scope.version,
        model_label=scope.model_label,
        since=scope.since,
        last=last,
        total=total,
        started_by_name=username,
    )


@contextmanager
def chunk(run: ScreeningRun, lease: RunLease) -> Iterator[ScreeningRun]:
    """Store one chunk in a transaction, and only while the lease is ours.

    What the caller changes of the run it is given is stored with the chunk; `run` itself changes only once
    that is committed. Raises TakenOver.
    """
    changed = ScreeningRun(
        **{name: getattr(run, name) for name in PROGRESS},
        pk=run.pk,
    )
    changed.failures, changed.changes = dict(run.failures), dict(run.changes)
    with transaction.atomic(using=router.db_for_write(ScreeningRun)):
        lease.renew()
        yield changed
        changed.updated = timezone.now()
        values = {name: getattr(changed, name) for name in PROGRESS}
        ScreeningRun.objects.filter(pk=run.pk).update(**values)
    for name, value in values.items():
        setattr(run, name, value)


PROGRESS = ("position", "passed", "scored", "failures", "changes", "updated", "finished")


def add(counts: dict[str, int], more: dict[str, int]) -> None:
    """Add `more` to `counts`, key by key."""
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _take(say: Callable[[str], object]) -> uuid.UUID:
    token = leases.take(LEASE, LEASE_SECONDS)
    if token is not None:
        return token
    before = Lease.objects.get(name=LEASE)
    if not processes.is_known_to_run(before.holder or ""):
        say(f"{before.holder} may have died; waiting up to {LEASE_SECONDS:.0f} s for a sign of life.")
        end = time.monotonic() + 2 * LEASE_SECONDS
        while time.monotonic() < end:
            token = leases.take(LEASE, LEASE_SECONDS)
            if token is not None:
                return token
            if Lease.objects.get(name=LEASE).until != before.until:
                break
            time.sleep(LOOK_SECONDS)
    raise AlreadyRunning(
        f"{before.holder} is at it already. One process at a time does this; it uses every core it may."
    )
