"""SQLite beside workers: what it has to be told, and what to say where it was not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db import connections, router

from moderation import registry

OPTIONS = (
    '"OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, '
    '"init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}'
)
"""What the entry in DATABASES should have."""
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def told_wrongly(aliases: Iterable[str] | None = None, *, asks: bool = False) -> list[str]:
    """The SQLite databases in files that are not set up for several writers.

    aliases: of the databases to look at; None: those that the site and its workers write. asks: look at the
    journal, too, for which the database is asked: WAL stays with its file, wherever it was switched on.
    """
    wrong = []
    for alias in sorted(_written() if aliases is None else aliases):
        connection: Any = connections[alias]
        if connection.vendor != "sqlite" or connection.is_in_memory_db():
            continue
        options = connection.settings_dict.get("OPTIONS") or {}
        is_wrong = str(options.get("transaction_mode") or "").upper() != "IMMEDIATE"
        if not is_wrong and asks:
            with connection.cursor() as cursor:
                is_wrong = cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal"
        if is_wrong:
            wrong.append(alias)
    return wrong


def what_is_wrong(alias: str) -> str:
    """A sentence for a person."""
    return (
        f'The SQLite database "{alias}" is written by the site and by workers at once, without WAL and '
        "IMMEDIATE transactions: saves may fail with 'database is locked'."
    )


def advice(error: BaseException) -> str:
    """What to do about a locked database, to follow the line that names `error`; empty for other errors."""
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in LOCKED:
        return ""
    return (
        " Another process was writing to SQLite: `manage.py check --database default` says what to set; "
        "where it says nothing, a transaction of the site takes too long."
    )


def _written() -> set[str]:
    models = [apps.get_model("moderation", "Screening")]
    for label in registry.options():
        try:
            models.append(apps.get_model(label))
        except (LookupError, ValueError):
            continue  # another check says so
    return {router.db_for_write(model) for model in models}


@contextmanager
def without_waiting(alias: str) -> Iterator[None]:
    """Make a statement that finds SQLite's database locked fail at once, with OperationalError.

    With another database it changes nothing.
    """
    connection: Any = connections[alias]
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    # By the driver's own connection: Django's refuses to speak where a transaction is broken.
    database: sqlite3.Connection = connection.connection
    (milliseconds,) = database.execute("PRAGMA busy_timeout").fetchone()
    database.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        database.execute(f"PRAGMA busy_timeout = {int(milliseconds)}")
