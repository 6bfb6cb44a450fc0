"""Bounds how many requests one process scores at a time: it refuses any more at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework import status
from rest_framework.exceptions import APIException

from moderation.conf import conf

RETRY_SECONDS = 5
"""About what the largest request that the default limits allow takes (benchmarks/classify_cost.py)."""


class Busy(APIException):
    """503: this process scores as much as it may."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Too many requests are being scored at the moment; try again later."
    default_code = "busy"
    wait = RETRY_SECONDS


@contextmanager
def admission() -> Iterator[None]:
    """Count the caller in while the block lasts. Raises Busy where the process is full.

    A web server has few threads. One that waits for a score answers no page, so most must never wait for one.
    """
    if not _in_flight.enter(conf.CLASSIFY_MAX_IN_FLIGHT):
        raise Busy
    try:
        yield
    finally:
        _in_flight.leave()


class _InFlight:
    """Counts the requests of this process that are being scored or wait for that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def enter(self, most: int) -> bool:
        """Count the caller in; True where fewer than `most` were in before."""
        with self._lock:
            if self._count >= most:
                return False
            self._count += 1
            return True

    def leave(self) -> None:
        with self._lock:
            self._count -= 1


def _begin_anew() -> None:
    """Start from zero in a forked child: the parent's threads don't run there; its lock may be taken."""
    global _in_flight
    _in_flight = _InFlight()


_in_flight = _InFlight()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
