"""Transactions of our own run at READ COMMITTED, whatever the site has chosen for its own.

Workers claim and store by compare-and-set and row locks, which need no more. At SERIALIZABLE they would make
the site's saves fail: PostgreSQL ends one of two transactions that read what the other writes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, router
from django.db.backends.signals import connection_created

READ_COMMITTED = "read committed"


@contextmanager
def read_committed() -> Iterator[None]:
    """While this lasts, this thread's transactions on the app's database run at READ COMMITTED.

    Changes nothing inside of an open transaction, nor where that is PostgreSQL's level anyway. A connection
    that is opened anew meanwhile is set, too; at the end the level is what it was before.
    """
    from moderation.models import Screening

    connection = connections[router.db_for_write(Screening)]
    if connection.vendor != "postgresql" or connection.in_atomic_block or _depth.value:
        yield
        return
    connection.ensure_connection()
    if not connection.get_autocommit():  # the site commits by itself
        yield
        return
    _depth.value += 1
    _depth.alias = connection.alias
    _lower(connection)
    try:
        yield
    finally:
        _depth.value -= 1
        _raise(connection)


class _Depth(threading.local):
    value = 0
    alias = ""


_depth = _Depth()


def connect() -> None:
    """Set connections that are opened while `read_committed` lasts."""
    connection_created.connect(_on_connection, dispatch_uid="moderation.isolation")


def _on_connection(connection: Any, **_: Any) -> None:
    if _depth.value and connection.alias == _depth.alias and connection.vendor == "postgresql":
        _lower(connection)


def _lower(connection: Any) -> None:
    """Set the session, once, if its level is another; what it was is kept with the connection at hand.

    The server is told only where its own default is another, so that a pooler which hands one session to
    several clients passes nothing on: the driver names the site's level with each BEGIN.
    """
    raw: Any = connection.connection
    if getattr(connection, "_moderation_level_of", None) is not raw:
        with connection.cursor() as cursor:
            cursor.execute("SHOW default_transaction_isolation")
            (default,) = cursor.fetchone()
        connection._moderation_level = (raw.isolation_level, default)
        connection._moderation_level_of = raw
    level, default = connection._moderation_level
    if default != READ_COMMITTED:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
    if level is not None:
        raw.isolation_level = None


def _raise(connection: Any) -> None:
    raw: Any = connection.connection
    known: Any = getattr(connection, "_moderation_level_of", None)
    if known is None or known is not raw:
        return
    level, default = connection._moderation_level
    if raw.closed or connection.in_atomic_block:
        return
    if default != READ_COMMITTED:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('default_transaction_isolation', %s, false)", [default])
    if level is not None:
        raw.isolation_level = level
