"""Migration operations that a table with millions of rows can take while the site writes to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import OperationalError, migrations, transaction
from django.db.migrations.operations.base import Operation
from django.db.models import CheckConstraint, QuerySet

from moderation.db.locking import locked_if_free

logger = logging.getLogger("moderation.migrations")

LOCK_SECONDS = 0.1
"""So long at most a writer of the site waits behind a migration that itself waits for a table's lock."""
PAUSE_SECONDS = 0.5
"""Between two tries, in which the site writes."""
PATIENCE_SECONDS = 15 * 60
"""Somebody who reads a table for longer has to end, or the migration is run again later."""
LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's code for a lock that could not be taken within `lock_timeout`."""


class BesideWriters(Operation):
    """Runs operations that need a table for themselves for a moment, without making its writers wait.

    PostgreSQL gives an ALTER TABLE or DROP INDEX its lock only after everybody who reads the table, such as a
    pg_dump, has ended, and lets nobody write who comes after it. So all operations are tried together under a
    `lock_timeout`, in a savepoint that lets go of whatever was locked, again and again until they come
    through. Elsewhere they just run. Raises OperationalError after `PATIENCE_SECONDS`, with nothing changed.
    """

    reduces_to_sql = True

    def __init__(self, *operations: Operation) -> None:
        self.operations = operations

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """As the migration writer wants it."""
        return type(self).__name__, list(self.operations), {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Apply each operation to the state."""
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Run all of them, in their order."""
        states = self._states(app_label, from_state)

        def run() -> None:
            for operation, before, after in zip(self.operations, states, states[1:], strict=False):
                operation.database_forwards(app_label, schema_editor, before, after)

        patiently(schema_editor, run)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Undo all of them, the last one first. from_state: after them; to_state: before."""
        states = self._states(app_label, to_state)

        def run() -> None:
            for place in reversed(range(len(self.operations))):
                self.operations[place].database_backwards(
                    app_label, schema_editor, states[place + 1], states[place]
                )

        patiently(schema_editor, run)

    def describe(self) -> str:
        """What `migrate --plan` prints."""
        return ", ".join(operation.describe() for operation in self.operations)

    def _states(self, app_label: str, first: Any) -> list[Any]:
        states = [first]
        for operation in self.operations:
            state = states[-1].clone()
            operation.state_forwards(app_label, state)
            states.append(state)
        return states


def patiently(schema_editor: Any, run: Callable[[], object]) -> None:
    """Call `run` under a lock timeout until it comes through; see `BesideWriters`."""
    connection = schema_editor.connection
    if connection.vendor != "postgresql" or schema_editor.collect_sql:
        run()
        return
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        known = len(schema_editor.deferred_sql)
        try:
            with transaction.atomic(using=connection.alias):
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS * 1000:.0f}ms'")
                run()
                for statement in schema_editor.deferred_sql[known:]:  # constraints and indexes of new tables
                    schema_editor.execute(statement)
                del schema_editor.deferred_sql[known:]
            return
        except OperationalError as error:
            del schema_editor.deferred_sql[known:]
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE or time.monotonic() > end:
                raise
            logger.info("A table is in use; the migration tries again.")
            time.sleep(PAUSE_SECONDS)


def update_patiently(rows: QuerySet[Any], keys: Iterable[Any], **columns: object) -> None:
    """Update those of `rows` that have these keys, each once nobody else is changing it.

    A plain UPDATE would wait for the first row that a transaction of the site has changed, and make others
    wait for all that it has locked by then, or run into a deadlock with them. Raises OperationalError after
    `PATIENCE_SECONDS`; what is done by then stays.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    wanted = rows.filter(pk__in=list(keys))
    while True:
        with transaction.atomic(using=rows.db):
            free = list(locked_if_free(wanted).order_by("pk").values_list("pk", flat=True))
            rows.filter(pk__in=free).update(**columns)
        left = wanted.exclude(pk__in=free)
        if not left.exists():
            return
        if time.monotonic() > end:
            raise OperationalError("Somebody has been changing some rows for too long; migrate again later.")
        logger.info("Some rows are being changed; the migration tries again.")
        time.sleep(PAUSE_SECONDS)
        wanted = left


class ReplaceChecksBesideWriters(Operation):
    """Puts check constraints in the place of those of the same names, without making writers wait.

    PostgreSQL would read the whole table under a lock that stops everybody. So the constraints come in
    unproved, which takes a moment and is tried as `BesideWriters` does, and what is stored is checked in a
    second step, beside writers. Put it into a migration with `atomic = False`: interrupted, it is run again.
    Backwards it raises IntegrityError where rows have values that the earlier constraints refuse.
    """

    reduces_to_sql = True

    def __init__(self, model_name: str, constraints: Sequence[CheckConstraint]) -> None:
        self.model_name = model_name
        self.constraints = list(constraints)

    def deconstruct(self) -> tuple[str, Any, dict[str, Any]]:
        """As the migration writer wants it."""
        return type(self).__name__, [self.model_name, self.constraints], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Replace them in the state."""
        for constraint in self.constraints:
            state.remove_constraint(app_label, self.model_name.lower(), constraint.name)
            state.add_constraint(app_label, self.model_name.lower(), constraint)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Give the table the checks that the model has in `to_state`."""
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        names = [constraint.name for constraint in self.constraints]
        wanted = [constraint for constraint in model._meta.constraints if constraint.name in names]
        if schema_editor.connection.vendor == "postgresql":
            patiently(schema_editor, partial(_replace_unproved, schema_editor, model, wanted))
            for constraint in wanted:
                schema_editor.execute(_alter(schema_editor, model, "VALIDATE CONSTRAINT", constraint))
            return
        with transaction.atomic(using=schema_editor.connection.alias):
            # SQLite makes the table anew, with all the constraints that the model has.
            schema_editor.add_constraint(model, wanted[0])

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Give the table the earlier checks. to_state: before."""
        self.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        """What `migrate --plan` prints."""
        names = ", ".join(str(constraint.name) for constraint in self.constraints)
        return f"Replace check constraints {names} of {self.model_name}"


def _replace_unproved(schema_editor: Any, model: Any, constraints: Iterable[CheckConstraint]) -> None:
    for constraint in constraints:
        schema_editor.execute(_alter(schema_editor, model, "DROP CONSTRAINT IF EXISTS", constraint))
        statement = constraint.create_sql(model, schema_editor)
        schema_editor.execute(f"{statement} NOT VALID", params=None)


def _alter(schema_editor: Any, model: Any, what: str, constraint: CheckConstraint) -> str:
    table, name = (schema_editor.quote_name(named) for named in (model._meta.db_table, constraint.name))
    return f"ALTER TABLE {table} {what} {name}"


class AddIndexBesideWriters(migrations.AddIndex):
    """AddIndex that locks out no writer on PostgreSQL, and that can be run again after an interruption.

    `django.contrib.postgres` has one, but it can't be imported without psycopg, nor be run again. Put it into
    a migration without other operations, with `atomic = False`. Interrupted, it leaves an index behind, which
    PostgreSQL may hold for invalid: run again, the index is replaced.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self._remove(schema_editor, model)
            schema_editor.add_index(model, self.index, **_concurrently(schema_editor))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            self._remove(schema_editor, model)

    def _remove(self, schema_editor: Any, model: Any) -> None:
        """Only PostgreSQL is told to drop it if it exists; elsewhere we have to look."""
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            with connection.cursor() as cursor:
                constraints = connection.introspection.get_constraints(cursor, model._meta.db_table)
            if self.index.name not in constraints:
                return
        schema_editor.remove_index(model, self.index, **_concurrently(schema_editor))


def _concurrently(schema_editor: Any) -> dict[str, bool]:
    connection = schema_editor.connection
    is_possible = connection.vendor == "postgresql" and not connection.in_atomic_block
    return {"concurrently": True} if is_possible else {}
