"""Writes how far a long command is, as JSON lines that another process can follow."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

EVERY_SECONDS = 1.0
"""Lines of one stage are at least so far apart, but for its last step."""


class ProgressLog:
    """Appends JSON objects to a file, a line each: ``stage``, ``step``, ``steps``, ``seconds_left`` of it.

    ``steps`` and ``seconds_left`` are null where nobody knows them yet. Without a file it writes nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: TextIO | None = path.open("a", encoding="utf-8", buffering=1) if path else None
        self._stage = ""
        self._began, self._first, self._written = 0.0, 0, 0.0

    def __enter__(self) -> "ProgressLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def __call__(self, stage: str, step: int = 0, steps: int | None = None) -> None:
        """Say that ``step`` of ``steps`` of the stage are done. A resumed stage may begin at any step."""
        if not self._file:
            return
        now = time.monotonic()
        is_new = stage != self._stage
        if is_new:
            self._stage, self._began, self._first = stage, now, step
        elif now - self._written < EVERY_SECONDS and step != steps:
            return
        self._written = now
        done = step - self._first
        left = (steps - step) * (now - self._began) / done if steps is not None and done > 0 else None
        line = {
            "stage": stage,
            "step": step,
            "steps": steps,
            "seconds_left": None if left is None else round(left, 1),
        }
        self._file.write(json.dumps(line) + "\n")
