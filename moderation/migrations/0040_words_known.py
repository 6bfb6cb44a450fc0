"""How often the words of texts are used, for PostgreSQL, which asks no partial index for that.

It would take every word for a rare one, and look up a common one in all texts to find a page of open items.
"""

from typing import Any

from django.db import migrations

CREATE = """
CREATE STATISTICS moderation_words_known ON (to_tsvector('simple'::regconfig, "left"(text, 10000)))
FROM moderation_screening
"""
DROP = "DROP STATISTICS IF EXISTS moderation_words_known"


def create(apps: Any, schema_editor: Any) -> None:
    """Have the next ANALYZE, which autovacuum does by itself, count the words, too. No writer waits."""
    drop(apps, schema_editor)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop(apps: Any, schema_editor: Any) -> None:
    """Remove it, where it is."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0039_one_index_of_reviewers")]

    operations = [migrations.RunPython(create, drop, hints={"model_name": "screening"})]
