"""The index of the words of texts, on PostgreSQL; no other database of Django's has one of that kind."""

from typing import Any

from django.db import migrations

CREATE = """
CREATE INDEX CONCURRENTLY moderation_words ON moderation_screening
USING gin (to_tsvector('simple'::regconfig, "left"(text, 10000))) WHERE NOT (status = 'pending')
"""
DROP = "DROP INDEX CONCURRENTLY IF EXISTS moderation_words"


def create(apps: Any, schema_editor: Any) -> None:
    """Build it beside writers; what an interruption left behind, which may be invalid, is built anew."""
    drop(apps, schema_editor)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop(apps: Any, schema_editor: Any) -> None:
    """Remove it, where it is."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0031_list_indexes")]

    operations = [migrations.RunPython(create, drop, hints={"model_name": "screening"})]
