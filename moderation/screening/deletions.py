"""Gathers deleted objects until their transaction commits, and then blanks their copies together.

One by one, within the site's request, each would cost four queries. What a process that dies right after the
commit leaves behind is found by the next comparison.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Collection

from django.db import DEFAULT_DB_ALIAS, connections, router, transaction
from django.db.transaction import TransactionManagementError

from moderation import row_errors
from moderation.models import Screening
from moderation.objects.keys import key_as_text
from moderation.registry import Registered
from moderation.screening.snapshots import forget

logger = logging.getLogger("moderation.screening")

CHUNK = 500
"""Objects whose copies are blanked in one transaction."""
Scope = tuple[str, int, frozenset[str]]
"""A database alias, its connection, and the savepoints in force."""
Lose = Callable[[Registered, str, BaseException], None]


class _Gathered:
    """The keys that one transaction or savepoint deleted; called after the commit, it blanks their copies."""

    def __init__(self, lose: Lose, scope: Scope) -> None:
        self._lose = lose
        self._scope = scope
        self._keys: dict[str, tuple[Registered, dict[str, None]]] = {}

    def add(self, entry: Registered, key: str) -> None:
        self._keys.setdefault(entry.label, (entry, {}))[1][key] = None

    def has(self, entry: Registered, key: str) -> bool:
        """Return True where an object of this key was deleted."""
        return entry.label in self._keys and key in self._keys[entry.label][1]

    def __call__(self) -> None:
        _alive.by_scope.pop(self._scope, None)  # what is deleted from now on is another's
        for entry, keys in self._keys.values():
            ordered = list(keys)
            for start in range(0, len(ordered), CHUNK):
                chunk = ordered[start : start + CHUNK]
                try:
                    forget(entry, _gone(entry, chunk))
                except BaseException as error:
                    if row_errors.ends_the_process(error):
                        raise
                    for key in chunk:
                        self._lose(entry, key, error)


def note(entry: Registered, key: str, lose: Lose, using: str = DEFAULT_DB_ALIAS) -> None:
    """Remember that the object of this key was deleted; its copies are blanked after the commit.

    lose: told of each key whose copies could not be blanked. What is rolled back, with its transaction or
    with its savepoint, is forgotten by Django together with the callback.
    """
    scope = _scope(using)
    gathered = _alive.by_scope.get(scope)
    if gathered is not None:
        gathered.add(entry, key)
        return
    gathered = _Gathered(lose, scope)
    gathered.add(entry, key)
    if using == router.db_for_write(Screening) and not connections[using].commit_on_exit:
        gathered()  # the site commits by itself, and nobody tells when; a rollback takes this back, too
        return
    try:
        transaction.on_commit(gathered, using=using, robust=True)
    except TransactionManagementError:
        gathered()
        return
    _alive.by_scope[scope] = gathered


def is_noted(entry: Registered, key: str) -> bool:
    """Return True where this thread has deleted an object of this key, and its copies wait for the commit."""
    return any(gathered.has(entry, key) for gathered in list(_alive.by_scope.values()))


def _gone(entry: Registered, keys: Collection[str]) -> list[str]:
    """Those of `keys` of which there is no object.

    One may live: its key was given again, only a child of it was deleted, or the site rolled back to a
    savepoint that it had made by hand, after which Django calls what waited for the commit all the same.
    """
    rows = entry.objects().filter(pk__in=keys)
    live = {key_as_text(entry.model, key) for key in rows.values_list("pk", flat=True)}
    return [key for key in keys if key not in live]


def _scope(using: str) -> Scope:
    connection = connections[using]
    return using, id(connection), frozenset(connection.savepoint_ids)


class _Alive(threading.local):
    """What this thread's transactions have gathered.

    Django holds the only other reference to each, and drops it with a rollback.
    """

    def __init__(self) -> None:
        self.by_scope: weakref.WeakValueDictionary[Scope, _Gathered] = weakref.WeakValueDictionary()


_alive = _Alive()
