"""Shows the progress of a long command: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

LINE_SECONDS = 10.0
WINDOW_SECONDS = 60.0
"""The rate is that of the last minute: it follows a change of pace, and forgets what went quickly."""


class Progress:
    """Counts steps towards a total and shows them; a context manager. It shows nothing while it is silent."""

    def __init__(
        self,
        write: Callable[[str], object],
        *,
        on_terminal: bool,
        is_silent: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._clock = clock
        self._is_silent = is_silent
        self._bar = _bar() if on_terminal and not is_silent else None
        self._task: Any = None
        self._seen: deque[tuple[float, int]] = deque()
        self._said = clock()

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def begin(self, what: str, done: int, total: int) -> None:
        """Start counting at `done` of `total`."""
        self._seen = deque([(self._clock(), done)])
        if self._bar is not None:
            self._task = self._bar.add_task(what, total=total, completed=done)

    def at(self, done: int, total: int) -> None:
        """Report that `done` of about `total` are done."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW_SECONDS:
            self._seen.popleft()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=max(total, done))
        elif not self._is_silent and now - self._said >= LINE_SECONDS:
            self._said = now
            self._write(self.line(done, total))

    def rate(self) -> float:
        """Return the steps per second, of late; 0 where no rate is known yet."""
        (start, before), (end, after) = self._seen[0], self._seen[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def line(self, done: int, total: int) -> str:
        """Return a line: steps done, their rate, and how long the rest takes at that."""
        rate = self.rate()
        share = f" ({done / total:.1%})" if total else ""
        left = f", {spoken((total - done) / rate)} left" if rate > 0 and total > done else ""
        return f"{done:,} of {total:,}{share}, {rate:,.0f} per second{left}"


def spoken(seconds: float) -> str:
    """Write a duration as people say it: `2 h 05 min`, `7 min`, `40 s`."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60:,} h {minutes % 60:02} min"
    return f"{minutes} min" if seconds >= 60 else f"{seconds:.0f} s"


def _bar() -> Any:
    """Return a bar; None where rich, which comes with the worker's requirements, is missing."""
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bar
    except ImportError:
        return None
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
