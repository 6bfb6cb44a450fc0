"""Says on which side of the split a group of texts is, from their keys and the number of the rotation.

Numbers and keys in, sides out; reads nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

TRAIN, DEV, TEST = "train", "dev", "test"
TEST_SHARE, DEV_SHARE = 0.25, 0.15
"""Shares of the keys; the rest is learned. Never change them: a text keeps its side."""
COMPARISONS = 10
"""How many candidates are compared on one quarter of the keys, before the next quarter becomes the test side:
every further look at the same items makes it easier to pass by chance."""
QUARTERS = 4
_KEYS = 16**8
_BOUNDS = {
    TEST: (0.0, TEST_SHARE),
    DEV: (TEST_SHARE, TEST_SHARE + DEV_SHARE),
    TRAIN: (TEST_SHARE + DEV_SHARE, 1.0),
}


@dataclass(frozen=True)
class Rotation:
    """How often candidates were compared, and what follows of it."""

    comparisons: int = 0
    """Of all candidates so far that came to a verdict."""

    @property
    def number(self) -> int:
        """Return how often the test side has moved on."""
        return self.comparisons // COMPARISONS

    @property
    def earlier(self) -> int:
        """Return how many of the comparisons were made on the quarter that is the test side now."""
        turns, _ = divmod(self.number, QUARTERS)
        return turns * COMPARISONS + self.comparisons % COMPARISONS

    @property
    def left(self) -> int:
        """Return how many candidates can still be compared before the test side moves on."""
        return COMPARISONS - self.comparisons % COMPARISONS


def position(text_key: str, rotation: int = 0) -> float:
    """Return where a key stands, 0 to under 1: the quarter that is the test side begins at 0."""
    return (int(text_key[:8], 16) / _KEYS - TEST_SHARE * (rotation % QUARTERS)) % 1.0


def side(text_key: str, rotation: int = 0) -> str:
    """Return the side of a text that reads like no other: a function of its key within one rotation."""
    return _side_at(position(text_key, rotation))


def side_of_group(text_keys: Iterable[str], rotation: int = 0) -> str:
    """Return the side of texts that read nearly the same: that of the one which stands first.

    The test side stands first of all, so a group with a text of it is on the test side as a whole: a further
    copy never takes a text away from there.
    """
    return _side_at(min(position(key, rotation) for key in text_keys))


def ranges(side_wanted: str, start: float, rotation: int = 0) -> list[tuple[str, str]]:
    """Return the ranges of keys, from each first one up to a bound, that make up a side.

    start: 0 to 1, how far into the side the first range begins; the ranges go on from there and come round.
    """
    low, high = _BOUNDS[side_wanted]
    middle = low + start * (high - low)
    offset = TEST_SHARE * (rotation % QUARTERS)
    pieces: list[tuple[float, float]] = []
    for begin, end in ((middle, high), (low, middle)):
        begin, end = begin + offset, end + offset
        pieces += [(begin, min(end, 1.0))] if begin < 1 else []
        pieces += [(max(begin, 1.0) - 1, end - 1)] if end > 1 else []
    return [(_bound(begin), _bound(end)) for begin, end in pieces if begin < end]


def _side_at(place: float) -> str:
    return next(name for name, (low, high) in _BOUNDS.items() if low <= place < high)


def _bound(share: float) -> str:
    return "g" if share >= 1 else f"{math.ceil(share * _KEYS):08x}"
