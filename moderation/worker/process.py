"""Holds the state of a process that screens: whether it is ending, what it has claimed, whether it sweeps."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError
from django.db import close_old_connections

from moderation import metrics
from moderation.screening.claim import is_leased, release

logger = logging.getLogger("moderation.screening")


class WorkerProcess:
    """The state of this process; all of its threads that screen share it."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Set when the process is about to end: draining stops after the slice at hand."""
        self.is_sweeping = False
        """True where this process, or each of its children, sweeps: it consumes the queue of screening."""
        self._held: set[uuid.UUID] = set()
        """Tokens under which a thread of this process is working."""
        self._unreleased: set[uuid.UUID] = set()
        """Tokens under which none is working, while rows may still be leased under them."""
        self._complaint = ""

    @contextmanager
    def holding(self, token: uuid.UUID) -> Iterator[None]:
        """Count the token among those that `release_all` releases, while the caller works under it."""
        self._held.add(token)
        try:
            yield
        finally:
            self._held.discard(token)

    def release(self, token: uuid.UUID) -> None:
        """Release what is leased under the token; where that fails, `release_unreleased` tries again."""
        try:
            release(token)
            if is_leased(token):  # somebody's transaction holds a row of it: an edit that has yet to commit
                self._unreleased.add(token)
        except DatabaseError as error:
            logger.warning("A batch could not be given back (%s), to be tried again.", type(error).__name__)
            self._unreleased.add(token)
            close_old_connections()

    def release_unreleased(self) -> None:
        """Release what the database could not take back when it was away, full or locked.

        A lease that ran out instead would count as a death of this worker. Raises DatabaseError.
        """
        for token in list(self._unreleased):
            release(token)
            if not is_leased(token):
                self._unreleased.discard(token)

    def release_all(self) -> int:
        """Release all claims of this process before it ends; returns the number of rows.

        Raises DatabaseError.
        """
        return sum(release(token) for token in [*self._held, *self._unreleased])

    def complain(self, complaint: str) -> None:
        """Log why comments stay pending, once for each new complaint; an empty one ends it.

        Only messages of our own come here: they name files, not texts.
        """
        if complaint and complaint != self._complaint:
            logger.error("Comments stay pending: %s", complaint, extra={"code": metrics.MODEL_UNAVAILABLE})
        self._complaint = complaint


worker_process = WorkerProcess()
