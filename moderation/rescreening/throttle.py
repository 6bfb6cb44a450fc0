"""Slows a long run down: to a rate or a share of the time, and behind comments that were just saved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from moderation.models import Screening

LOOK_SECONDS = 0.05
"""Between two looks whether comments that were just saved are through."""
STUCK_SECONDS = 10.0
"""Where nobody has claimed the next of them in this time, no worker runs, and the run goes on."""
LONGEST_PAUSE = 5.0
"""Seconds; a longer pause is made of several, so that a lease can be renewed in between."""

Wait = Callable[[float], object]
"""Waits for a number of seconds, or less once the run is to stop."""


class Throttle:
    """Makes a run wait. `keep_alive` is called between pauses."""

    def __init__(
        self,
        *,
        per_second: float | None = None,
        share: float | None = None,
        stop: threading.Event | None = None,
        wait: Wait | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """per_second: texts, at most. share: of the time, over 0 to 1. None: as fast as it goes."""
        self.stop = stop or threading.Event()
        self._per_second = per_second
        self._share = share
        self._wait: Wait = wait or self.stop.wait
        self._clock = clock
        self._given_up_on: int | None = None

    def now(self) -> float:
        """Seconds of a clock that never goes back."""
        return self._clock()

    def pause(self, texts: int, seconds: float, keep_alive: Callable[[], None]) -> None:
        """Wait as long as the rate and the share demand after `texts` that took `seconds`."""
        pause = 0.0
        if self._per_second is not None:
            pause = texts / self._per_second - seconds
        if self._share is not None:
            pause = max(pause, seconds / self._share - seconds)
        while pause > 0 and not self.stop.is_set():
            part = min(pause, LONGEST_PAUSE)
            self._wait(part)
            pause -= part
            keep_alive()

    def let_live_pass(self, keep_alive: Callable[[], None]) -> float:
        """Wait until no comment that was just saved is waiting or being scored; seconds waited."""
        start = since = self._clock()
        waits_for: int | None = None
        while not self.stop.is_set() and (now_waiting := _next_live()) is not None:
            if now_waiting == self._given_up_on:
                break
            if now_waiting != waits_for:
                waits_for, since = now_waiting, self._clock()
            elif now_waiting != BEING_SCORED and self._clock() - since > STUCK_SECONDS:
                self._given_up_on = now_waiting
                break
            self._wait(LOOK_SECONDS)
            keep_alive()
        return self._clock() - start


BEING_SCORED = -1


def _next_live() -> int | None:
    """The key of the first comment that was just saved and waits; BEING_SCORED where a worker has some."""
    live = Screening.objects.pending().filter(priority__gte=Screening.Priority.NORMAL)
    if not live.exists():  # nearly always, and one statement
        return None
    if live.leased().exists():
        return BEING_SCORED
    return live.claimable().order_by("-priority", "created", "id").values_list("pk", flat=True).first()
