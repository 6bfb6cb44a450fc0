"""Migration operations that a table with millions of rows can take while the site writes to it."""

from __future__ import annotations

from typing import Any

from django.db import migrations


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
                found = connection.introspection.get_constraints(cursor, model._meta.db_table)
            if self.index.name not in found:
                return
        schema_editor.remove_index(model, self.index, **_concurrently(schema_editor))


def _concurrently(schema_editor: Any) -> dict[str, bool]:
    connection = schema_editor.connection
    is_possible = connection.vendor == "postgresql" and not connection.in_atomic_block
    return {"concurrently": True} if is_possible else {}
