"""Errors that one row causes, told from those that are nobody's fault: one row never stops the others.

Whatever a site's object raises while it is read, compared, hidden or told of (a field that can't be
decrypted, a key that its model can't hold any more, a property, a callable, a receiver) concerns that object
alone, also where it is no `Exception`. The database's own trouble and a lack of memory are never counted
against a row: where they come with one row alone while the database answers, that row waits and the others go
on. What asks a process, a thread or a task to end is passed on, always.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.db import DataError, Error, IntegrityError, connections, router, transaction

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


def ends_the_process(error: BaseException) -> bool:
    """True for what asks this process or task to end: it must never be swallowed.

    Signals, and so their SystemExit, come to the main thread. Raised in another one, as by a callable that
    calls `sys.exit()`, it ends no process, and would only end the sweeps of a worker that lives on.
    """
    if isinstance(error, SystemExit) and threading.current_thread() is not threading.main_thread():
        return False
    return isinstance(error, ENDS_A_PROCESS)


def may_be_of_one_row(error: BaseException) -> bool:
    """True for an error that one row may have caused: it counts against the row that raises it alone.

    Of the database's errors these are the ones about values. A table or a column that is missing, as in the
    middle of an upgrade, is nobody's fault, and neither is a connection that broke.
    """
    if isinstance(error, Error):
        return isinstance(error, DataError | IntegrityError)
    return not (ends_the_process(error) or isinstance(error, MemoryError))


def code(what: str, error: BaseException) -> str:
    """Our code for an error, such as ``reading-error:ValueError``; its message, which may quote a text, is
    left out."""
    return f"{what}-error:{type(error).__name__}"[:64]


def contained(ask: Callable[[], Result], instead: Result, using: str | None = None) -> Result:
    """Return what a site's own code answers, or `instead` where it raises, whatever that is.

    using: the alias of the database that it may query; None: it queries nothing. Within a transaction it gets
    a savepoint there: a query that fails leaves the transaction usable. Raises what ends the process.
    """
    is_within = using is not None and connections[using].in_atomic_block
    try:
        with transaction.atomic(using=using) if is_within else nullcontext():
            return ask()
    except BaseException as error:
        if ends_the_process(error):
            raise
        return instead


def stepping_over(
    work: Callable[[Sequence[Item]], Result],
    items: Sequence[Item],
    blame: Callable[[Item, BaseException], object],
    put_off: Callable[[Item, BaseException], object] | None = None,
) -> Iterator[Result]:
    """Yield what `work` makes of all items or, where one of them makes it raise, of each alone.

    blame: gets each item that raises alone, with its error, and nothing is yielded for it. put_off: gets
    those whose error must not be counted against them, while the database answers. Raises what concerns no
    row; without `put_off` also what must not be counted.
    """
    try:
        yield work(items)
        return
    except BaseException as error:
        is_counted = may_be_of_one_row(error)
        if not is_counted and (put_off is None or ends_the_process(error) or not _database_answers()):
            raise
        if len(items) == 1:
            (blame if is_counted or put_off is None else put_off)(items[0], error)
            return
    for item in items:
        yield from stepping_over(work, [item], blame, put_off)


def _database_answers() -> bool:
    from moderation.models import Screening  # a site may import its signals before there are models

    try:
        with connections[router.db_for_write(Screening)].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True
