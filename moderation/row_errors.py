"""Errors that one row causes, told from those that are nobody's fault: one row never stops the others.

Whatever a site's object raises while it is read, compared, hidden or told of (a field that can't be
decrypted, a key that its model can't hold any more, a property, a callable, a receiver) concerns that object
alone, also where it is no `Exception`. The database's own trouble, a lack of memory and the signals that end
a process concern nobody's row, and are passed on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.db import InterfaceError, OperationalError

Item = TypeVar("Item")
Result = TypeVar("Result")

ENDS_A_PROCESS = (
    KeyboardInterrupt,
    SystemExit,  # and with it Celery's WorkerShutdown and WorkerTerminate
    GeneratorExit,
    asyncio.CancelledError,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
)
IS_NOBODYS = (OperationalError, InterfaceError, MemoryError)


def ends_the_process(error: BaseException) -> bool:
    """True for what asks this process, thread or task to end: it must never be swallowed."""
    return isinstance(error, ENDS_A_PROCESS)


def may_be_of_one_row(error: BaseException) -> bool:
    """True for an error that one row may have caused: then each is looked at by itself."""
    return not isinstance(error, ENDS_A_PROCESS + IS_NOBODYS)


def code(what: str, error: BaseException) -> str:
    """Our code for an error, such as ``reading-error:ValueError``; its message, which may quote a text, is
    left out."""
    return f"{what}-error:{type(error).__name__}"[:64]


def stepping_over(
    work: Callable[[Sequence[Item]], Result],
    items: Sequence[Item],
    blame: Callable[[Item, BaseException], object],
) -> Iterator[Result]:
    """Yield what `work` makes of all items or, where one of them makes it raise, of each alone.

    blame: gets each item that raises alone, with its error, and nothing is yielded for it. Raises what
    concerns no row.
    """
    try:
        yield work(items)
        return
    except BaseException as error:
        if not may_be_of_one_row(error):
            raise
        if len(items) == 1:
            blame(items[0], error)
            return
    for item in items:
        yield from stepping_over(work, [item], blame)
