"""Rights that one process at a time holds, until a time of the database's clock."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

from django.db import DatabaseError, close_old_connections, connections
from django.db.models import Q

from moderation.clock import Now
from moderation.coordination import processes
from moderation.isolation import read_committed
from moderation.models import Lease

logger = logging.getLogger("moderation.leases")

RENEWALS = 30
"""Work that hangs loses its lease in the end: each is renewed after a third of its time, so often at most."""


def take(name: str, seconds: float, *, resting: bool = False) -> uuid.UUID | None:
    """Take the lease for `seconds`: its token, or None while another process holds it.

    A holder that is known to have died has lost it. resting: also where nobody holds it, but it was given
    back for later.
    """
    token = uuid.uuid4()
    lease, _ = Lease.objects.get_or_create(name=name)
    free = Q(until=None) | Q(until__lt=Now()) | Q(token__in=_left_behind)
    if lease.token is not None and processes.is_known_to_be_gone(lease.holder or ""):
        free |= Q(token=lease.token)
    if resting:
        free |= Q(token=None)
    taken = Lease.objects.filter(free, name=name).update(
        token=token, until=Now() + timedelta(seconds=seconds), holder=processes.here()
    )
    return token if taken else None


def renew(name: str, token: uuid.UUID, seconds: float) -> bool:
    """Hold it for `seconds` more; False: it ran out, and another process has it.

    In a transaction that stores what was done under the lease, this also keeps anybody from taking it over
    before the commit.
    """
    own = Lease.objects.filter(name=name, token=token)
    return bool(own.update(until=Now() + timedelta(seconds=seconds)))


def holder(name: str) -> str:
    """The process that took the lease last, as `processes.here` names it; empty where nobody ever did."""
    return Lease.objects.filter(name=name).values_list("holder", flat=True).first() or ""


def give_back(name: str, token: uuid.UUID, *, after: float = 0.0) -> None:
    """Let the next one have it, `after` so many seconds; nothing happens where it is not ours any more.

    `take` with `resting` does not wait for that.
    """
    _left_behind.add(token)
    until = Now() + timedelta(seconds=after) if after else None
    Lease.objects.filter(name=name, token=token).update(token=None, until=until)
    _left_behind.discard(token)


@contextmanager
def kept(name: str, token: uuid.UUID, seconds: float, *, renewals: int | None = RENEWALS) -> Iterator[None]:
    """Renew the lease on a thread of its own while the caller works: whoever is slow has not died.

    renewals: how often at most; None: for as long as this process works on it.
    """
    is_done = threading.Event()

    @read_committed()
    def keep() -> None:
        try:
            for _ in count() if renewals is None else range(renewals):
                if is_done.wait(seconds / 3):
                    return
                try:
                    if not renew(name, token, seconds):
                        return
                except DatabaseError as error:  # it may be back before the lease ends
                    logger.warning("The lease %s was not renewed (%s).", name, type(error).__name__)
                    close_old_connections()
        finally:
            connections.close_all()  # this thread's own

    thread = threading.Thread(target=keep, name=f"moderation-lease-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_done.set()
        thread.join(1)


_left_behind: set[uuid.UUID] = set()
"""Tokens that the database did not take back when it was away: this process is done with them."""
