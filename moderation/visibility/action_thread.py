"""A worker's thread that calls the site's callables to hide and show: one that hangs holds up nothing else.

Sweeps and verdicts hand such actions over and go on. Nobody can end a thread from outside, so one that has
not come back for `CLAIM_SECONDS` is left to itself, and another takes its place; the action that it has in
hand counts as failed then, and may be taken over (`pending_actions`). After `LEFT_AT_MOST` of them this
process carries nothing out any more; what is pending is for other workers, and for a person to look at.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import close_old_connections, connections

from moderation import row_errors
from moderation.visibility import hiding, pending_actions

logger = logging.getLogger("moderation.visibility")

NAME = "moderation-actions"
LEFT_AT_MOST = 5
"""Threads of one process that may hang before it carries out no action any more."""
WAITING_AT_MOST = 1000
"""Actions in the queue of the thread; those beyond that are left to the next sweeps."""


class ActionThread:
    """Carries out one action after the other, in the order in which they are handed over."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[int] = deque()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._left = 0
        self._is_stopping = False

    def hand_over(self, screening_id: int) -> None:
        """Have the action of a screening carried out soon. Returns at once."""
        with self._changed:
            if self._is_stopping or not self._is_there():
                return
            if screening_id not in self._waiting and len(self._waiting) < WAITING_AT_MOST:
                self._waiting.append(screening_id)
                self._changed.notify_all()

    def stop(self, seconds: float) -> None:
        """Begin no further action, and wait at most `seconds` for the one in hand."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _is_there(self) -> bool:
        """Start a thread where none is left that comes back; returns False where too many hang."""
        hangs = (
            self._busy_since is not None
            and time.monotonic() - self._busy_since > pending_actions.CLAIM_SECONDS
        )
        if self._thread is not None and self._thread.is_alive() and not hangs:
            return True
        if hangs:
            if self._left >= LEFT_AT_MOST:
                return False
            self._left += 1
            logger.error(
                "A hide or show callable of the site has not come back for %.0f s; it is left alone (%d of "
                "at most %d in this process).",
                pending_actions.CLAIM_SECONDS,
                self._left,
                LEFT_AT_MOST,
                extra={"code": "action-hangs"},
            )
        self._busy_since = None
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            while (screening_id := self._next()) is not None:
                close_old_connections()
                hiding.act(screening_id, is_in_time=False)
                close_old_connections()
        except BaseException as error:
            # Such as a callable that calls sys.exit(): it ends this thread, the next action starts another.
            if not row_errors.ends_the_process(error):
                raise
            logger.error("A hide or show callable of the site raised %s.", type(error).__name__)
        finally:
            connections.close_all()  # this thread's own

    def _next(self) -> int | None:
        """Wait for the next action; returns None where this thread is to end or has been replaced."""
        me = threading.current_thread()
        with self._changed:
            if self._thread is me:
                self._busy_since = None
            self._changed.wait_for(lambda: self._waiting or self._is_stopping or self._thread is not me)
            if self._is_stopping or self._thread is not me:
                return None
            self._busy_since = time.monotonic()
            return self._waiting.popleft()


@contextmanager
def running(seconds: float = 10.0) -> Iterator[ActionThread]:
    """Run an action thread, to which `hiding` hands what may take long, while the caller works.

    seconds: how long to wait at the end for the action in hand.
    """
    thread = ActionThread()
    before: Callable[[int], object] | None = hiding.hand_over
    hiding.hand_over = thread.hand_over
    try:
        yield thread
    finally:
        hiding.hand_over = before
        thread.stop(seconds)
