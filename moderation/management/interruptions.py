"""Handles what interrupts a long command: Ctrl-C, a service manager, a database that restarts."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError, connections

from moderation.models import ScreeningRun

TERMINATED = 143
"""Exit code after SIGTERM, as a shell has it: 128 and the signal's number."""
TRIES = 6
"""While the database is away; after the last one the command ends, and can be started again."""


@contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the command after the chunk at hand; a second Ctrl-C ends it at once."""

    def on_signal(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ctrl_c_on_sigterm() -> Iterator[None]:
    """Treat a service manager's SIGTERM as a Ctrl-C: what is held can still be released."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let a service manager's SIGTERM end the command in order: leases go back, half-written files go."""

    def leave(*_: object) -> None:
        sys.exit(TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def patiently(step: Callable[[], bool], runs_on: ScreeningRun, say: Callable[[str], object]) -> bool:
    """Do `step`, and try again while the database is away: a long run outlives its restart."""
    tries, at = 0, (runs_on.position, runs_on.passed)
    while True:
        try:
            return step()
        except DatabaseError as error:
            if (runs_on.position, runs_on.passed) != at:
                tries, at = 0, (runs_on.position, runs_on.passed)
            tries += 1
            if tries >= TRIES:
                raise
            say(f"The database failed ({type(error).__name__}); trying again.")
            time.sleep(2.0**tries)
            _reconnect()


def database_failed(error: DatabaseError, advice: str = "") -> CommandError:
    """Return what ends a command whose database failed, without the error's message: it may quote a row."""
    return CommandError(f"The database failed ({type(error).__name__}).{advice}")


def _reconnect() -> None:
    """Close connections, which may be broken; leave those inside a caller's transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
