"""Leases: each is a right that one process at a time holds, until a time of the database's clock."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import count

from django.db import DatabaseError, close_old_connections, connections
from django.db.models import Q

from moderation.clock import Now, unset_or_before
from moderation.coordination import processes
from moderation.isolation import read_committed
from moderation.models import Lease

logger = logging.getLogger("moderation.leases")

RENEWALS = 30
"""Renewals of a lease at most, each after a third of its time: work that hangs loses it in the end."""


def take(name: str, seconds: float, *, resting: bool = False) -> uuid.UUID | None:
    """Take the lease for `seconds`; returns its token, or None while another process holds it.

    A holder that is known to have died has lost it. resting: also where nobody holds it, but it was given
    back for later.
    """
    token = uuid.uuid4()
    lease, _ = Lease.objects.get_or_create(name=name)
    free = unset_or_before("until", Now()) | Q(token__in=_left_behind)
    if lease.token is not None and processes.is_known_to_be_gone(lease.holder or ""):
        free |= Q(token=lease.token)
    if resting:
        free |= Q(token=None)
    taken = Lease.objects.filter(free, name=name).update(
        token=token, until=Now() + timedelta(seconds=seconds), holder=processes.here()
    )
    return token if taken else None


def renew(name: str, token: uuid.UUID, seconds: float) -> bool:
    """Hold the lease for `seconds` more; returns False where it ran out and another process has it.

    In a transaction that stores what was done under the lease, this also keeps anybody from taking it over
    before the commit.
    """
    own = Lease.objects.filter(name=name, token=token)
    return bool(own.update(until=Now() + timedelta(seconds=seconds)))


def holder(name: str) -> str:
    """The process that took the lease last, as `processes.here` names it; empty where none ever did."""
    return Lease.objects.filter(name=name).values_list("holder", flat=True).first() or ""


def give_back(name: str, token: uuid.UUID, *, after: float = 0.0) -> None:
    """Release the lease; others may take it after `after` seconds. Does nothing where we have lost it.

    `take` with `resting` does not wait for that.
    """
    _left_behind.add(token)
    until = Now() + timedelta(seconds=after) if after else None
    Lease.objects.filter(name=name, token=token).update(token=None, until=until)
    _left_behind.discard(token)


@contextmanager
def kept(name: str, token: uuid.UUID, seconds: float, *, renewals: int | None = RENEWALS) -> Iterator[None]:
    """Renew the lease while the caller works, as `renewed` does."""
    with renewed(name, partial(renew, name, token, seconds), seconds, renewals=renewals):
        yield


@contextmanager
def renewed(
    name: str, renew: Callable[[], bool], seconds: float, *, renewals: int | None = RENEWALS
) -> Iterator[None]:
    """Call `renew` on a thread, after each third of `seconds`, while the caller works.

    A slow process has not died, and keeps what it leased. renew: returns False where that is lost, after
    which it is not called again. name: what is leased, for the log. renewals: how often at most; None: until
    the caller ends.
    """
    is_done = threading.Event()

    @read_committed()
    def keep() -> None:
        try:
            for _ in count() if renewals is None else range(renewals):
                if is_done.wait(seconds / 3):
                    return
                try:
                    if not renew():
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
"""Tokens that this process does not use any more, and could not give back as the database was away."""
