"""Keeps a candidate within its share of a worker's time, and draws which comments it scores."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable

SAVED_SECONDS = 60.0
"""Of time that the candidate did not use, at most its share of so much is saved up."""
KEPT = 256
"""Comments that are kept for the candidate between two rounds, at most."""


class TimeBudget:
    """A token bucket of seconds: it fills with a share of the time that passes (Turner 1986).

    It starts full. What is spent may exceed what is left by one piece of work, which is then saved up again.
    """

    def __init__(self, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        """share: over 0 to 1, of the time. clock: seconds that never go back."""
        self._share = share
        self._clock = clock
        self._most = self._left = share * SAVED_SECONDS
        self._filled = clock()

    @property
    def is_left(self) -> bool:
        """True while there is time to spend."""
        self._fill()
        return self._left > 0

    def spend(self, seconds: float) -> None:
        """Take `seconds` out, left or not."""
        self._fill()
        self._left -= seconds

    def _fill(self) -> None:
        now = self._clock()
        self._left = min(self._most, self._left + self._share * (now - self._filled))
        self._filled = now


class Sample:
    """A uniform sample of the screenings that a worker has scored since it was taken last.

    Reservoir sampling (Vitter 1985, algorithm R): whatever a comment says, and however many came, each has
    the same chance. So what the candidate says of the sample stands for all.
    """

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._keys: list[int] = []
        self._seen = 0
        self._lock = threading.Lock()  # a worker scores on more than one thread

    def add(self, keys: Iterable[int]) -> None:
        """Let each of the ids have its chance."""
        with self._lock:
            for key in keys:
                self._seen += 1
                if len(self._keys) < self._most:
                    self._keys.append(key)
                    continue
                place = random.randrange(self._seen)  # noqa: S311 - a sample, not a secret
                if place < self._most:
                    self._keys[place] = key

    def take(self) -> list[int]:
        """Return the sampled ids in random order, and begin a new sample."""
        with self._lock:
            keys, self._keys, self._seen = self._keys, [], 0
        random.shuffle(keys)
        return keys
