"""Holds a lock, shared or exclusive, so that a quarantined text is scored while nothing else is.

A worker screens on more than one thread. Where a poison text kills the process, the texts that other threads
hold would look as guilty as the one that did it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_changed = threading.Condition()
_sharing = 0
_is_exclusive = False


@contextmanager
def shared() -> Iterator[None]:
    """Hold the lock together with other threads; wait first for the end of one that has it exclusively."""
    global _sharing
    with _changed:
        _changed.wait_for(lambda: not _is_exclusive)
        _sharing += 1
    try:
        yield
    finally:
        with _changed:
            _sharing -= 1
            _changed.notify_all()


@contextmanager
def exclusive() -> Iterator[None]:
    """Hold the lock exclusively: let nobody begin, and wait until those who share it have ended."""
    global _is_exclusive
    with _changed:
        _changed.wait_for(lambda: not _is_exclusive)
        _is_exclusive = True
    try:
        with _changed:  # an exception that comes while this waits must not lock out the others for good
            _changed.wait_for(lambda: _sharing == 0)
        yield
    finally:
        with _changed:
            _is_exclusive = False
            _changed.notify_all()
