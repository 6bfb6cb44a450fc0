"""Migrating to and fro, and being interrupted at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext

RECORD = 'INSERT INTO "django_migrations"'
"""How a migration is noted as done."""


def applied(app: str) -> list[str]:
    """The migrations of an app that the database has, in their order."""
    done = MigrationRecorder(connection).applied_migrations()
    return sorted(name for of, name in done if of == app)


class Elsewhere:
    """A router that keeps the tables of `moderation` in no database of the tests'."""

    def allow_migrate(self, database: str, app_label: str, **hints: object) -> bool | None:
        """False for moderation; no opinion of other apps."""
        return False if app_label == "moderation" else None


class Interrupted(Exception):
    """What ends the process at some statement."""


def migrate(app: str, to: str = "") -> str:
    """Migrate an app to that migration, or to the latest; the statements that it took."""
    with CaptureQueriesContext(connection) as queries:
        call_command("migrate", app, *([to] if to else []), verbosity=0)
    return "\n".join(query["sql"] for query in queries)


@contextmanager
def interrupted_before(statement: str, nth: int = 1) -> Iterator[None]:
    """Ends before the n-th statement that contains `statement`; the test fails if there is none."""
    met = 0

    def run(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal met
        if statement in sql:
            met += 1
            if met == nth:
                raise Interrupted
        return execute(sql, params, many, context)

    with pytest.raises(Interrupted), connection.execute_wrapper(run):
        yield
