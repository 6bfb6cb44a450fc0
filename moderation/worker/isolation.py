"""Which texts are scored beside which others in this process: a suspect is scored while nothing else is.

A worker screens on more than one thread. Where a text kills the process, whatever the other threads hold dies
with it, and would look as guilty as the text that did it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_changed = threading.Condition()
_working = 0
_is_someone_alone = False


@contextmanager
def together() -> Iterator[None]:
    """Work beside others, but not beside somebody who has to be alone: wait for that one's end first."""
    global _working
    with _changed:
        _changed.wait_for(lambda: not _is_someone_alone)
        _working += 1
    try:
        yield
    finally:
        with _changed:
            _working -= 1
            _changed.notify_all()


@contextmanager
def alone() -> Iterator[None]:
    """Let nobody begin anything new, wait until the others have ended, then work alone."""
    global _is_someone_alone
    with _changed:
        _changed.wait_for(lambda: not _is_someone_alone)
        _is_someone_alone = True
    try:
        with _changed:  # an exception that comes while this waits must not lock out the others for good
            _changed.wait_for(lambda: _working == 0)
        yield
    finally:
        with _changed:
            _is_someone_alone = False
            _changed.notify_all()
