"""A worker's thread that delivers the outbox: an address that hangs holds up neither sweeps nor verdicts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connections

from moderation import row_errors
from moderation.webhooks import outbox
from moderation.webhooks.delivery import deliver_due

logger = logging.getLogger("moderation.webhooks")

NAME = "moderation-webhooks"
POLL_SECONDS = 3.0
"""How often it looks for what other processes noted, and for what comes again: a query or two."""
REST_SECONDS = 30.0
"""After an error, such as a database that is away."""


class DeliveryThread(threading.Thread):
    """Sends what is due until it is told to stop; outlives every error but the end of its process."""

    def __init__(self) -> None:
        super().__init__(name=NAME, daemon=True)
        self._stopping = threading.Event()
        self._noted = threading.Event()

    def run(self) -> None:
        """Send, and wait for more."""
        try:
            while not self._stopping.is_set():
                pause = self._send()
                self._noted.wait(pause)
                self._noted.clear()
        finally:
            connections.close_all()  # this thread's own

    def wake(self) -> None:
        """Look for what is due at once: this process has noted something."""
        self._noted.set()

    def stop(self, seconds: float) -> None:
        """Begin no further delivery, and wait at most `seconds` for the one in hand."""
        self._stopping.set()
        self._noted.set()
        self.join(seconds)

    def _send(self) -> float:
        """Send what is due; returns for how many seconds to wait after it."""
        try:
            close_old_connections()
            deliver_due(stop=self._stopping)
            return POLL_SECONDS
        except BaseException as error:
            if row_errors.ends_the_process(error):
                raise
            logger.error("Webhooks were not served (%s), to be tried again.", type(error).__name__)
            return REST_SECONDS
        finally:
            close_old_connections()


@contextmanager
def running(seconds: float = 10.0) -> Iterator[DeliveryThread]:
    """Run a delivery thread while the caller works. seconds: how long to wait at the end for it."""
    thread, before = DeliveryThread(), outbox.wake
    thread.start()
    outbox.wake = thread.wake
    try:
        yield thread
    finally:
        outbox.wake = before
        thread.stop(seconds)
