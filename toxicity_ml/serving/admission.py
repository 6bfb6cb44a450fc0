"""Bounds the characters that are scored or wait for it, so that an overload is refused and not queued."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

MAX_CHARACTERS = 6_000
"""About an eighth of a second of two cores: nobody who is let in waits for longer than that."""
LEAST_CHARACTERS = 120
"""What a text counts at least: a short one costs more than its characters."""
RETRY_SECONDS = 1


class Overloaded(Exception):
    """As many characters as may be are being scored."""


class Admission:
    """Counts the characters in flight; for one event loop, so without a lock."""

    def __init__(self, most: int = MAX_CHARACTERS) -> None:
        self.most = most
        self.characters = 0
        """In flight now."""

    @contextmanager
    def of(self, characters: int) -> Iterator[None]:
        """Count that many characters in for as long as the block lasts. Raises Overloaded, at once.

        A request that is larger than `most` is let in while nothing else is in flight.
        """
        counted = max(LEAST_CHARACTERS, characters)
        if self.characters and self.characters + counted > self.most:
            raise Overloaded
        self.characters += counted
        try:
            yield
        finally:
            self.characters -= counted
