"""Locks rows without waiting for a process that is changing them, which could deadlock."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import QuerySet

Rows = TypeVar("Rows", bound="QuerySet[Any, Any]")


def locked_if_free(rows: Rows) -> Rows:
    """`rows`, locked until the transaction ends; those that somebody else has locked are left out.

    SQLite locks no rows, and Django leaves the clause out there: its transactions are IMMEDIATE instead.
    """
    can_skip = connections[rows.db].features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=can_skip)


def update_if_free(rows: QuerySet[Any, Any], **columns: object) -> int:
    """Update those of `rows` that nobody is changing at this moment; returns how many. Waits for nobody."""
    with transaction.atomic(using=rows.db):
        free = list(locked_if_free(rows).order_by("pk").values_list("pk", flat=True))
        return rows.filter(pk__in=free).update(**columns) if free else 0


def free_of(rows: QuerySet[Any, Any]) -> list[Any]:
    """The keys of those of `rows` that nobody is changing at this moment. Keeps no lock.

    SQLite locks no rows: there it is all of them.
    """
    keys = rows.order_by("pk").values_list("pk", flat=True)
    if not connections[rows.db].features.has_select_for_update_skip_locked:
        return list(keys)
    # Of the weaker kind, so that rows that others only refer to count as free.
    is_weak = connections[rows.db].features.has_select_for_no_key_update
    with transaction.atomic(using=rows.db):
        return list(keys.select_for_update(skip_locked=True, no_key=is_weak))
