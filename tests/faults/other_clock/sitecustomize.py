"""A process whose clock is wrong by CLOCK_OFF seconds; on the PYTHONPATH of a worker, before all else.

Python reads this file before anything else is imported, so whoever asks for the time gets the wrong one.
Time that passes (`time.monotonic`) is right, as it is on a machine whose clock is wrong.
"""

import datetime
import os
import time
from collections.abc import Callable

_OFF = float(os.environ["CLOCK_OFF"])
_BY = datetime.timedelta(seconds=_OFF)
_time, _time_ns = time.time, time.time_ns
_real = datetime.datetime


class _LooksReal(type):
    """What C code makes is of the real class, and is an instance of this one, too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real)


class _Datetime(_real, metaclass=_LooksReal):
    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        return _real.now(tz) + _BY

    @classmethod
    def utcnow(cls) -> datetime.datetime:  # type: ignore[override]
        return _real.now(datetime.UTC).replace(tzinfo=None) + _BY

    @classmethod
    def today(cls) -> datetime.datetime:  # type: ignore[override]
        return _real.now() + _BY


class _Clock:
    """Called like the function that it stands for; unlike a function of ours, never bound as a method."""

    def __init__(self, read: Callable[..., object]) -> None:
        self._read = read

    def __call__(self, *arguments: object) -> object:
        return self._read(*arguments)


def _at(convert: Callable[[float], object]) -> _Clock:
    return _Clock(lambda seconds=None: convert(_time() + _OFF if seconds is None else seconds))


datetime.datetime = _Datetime  # type: ignore[misc]
time.time = _Clock(lambda: _time() + _OFF)  # type: ignore[assignment]
time.time_ns = _Clock(lambda: _time_ns() + int(_OFF * 1e9))  # type: ignore[assignment]
time.gmtime, time.localtime = _at(time.gmtime), _at(time.localtime)  # type: ignore[assignment]
