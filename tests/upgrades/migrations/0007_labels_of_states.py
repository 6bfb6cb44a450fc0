"""Rows are written in chunks, each a transaction that waits for no row."""

import json
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from moderation.db.migration_operations import update_patiently

CHUNK = 1000


def copy_states(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the state of each entry into its labels; may be done again at any time."""
    entries: Any = apps.get_model("upgrades", "Entry").objects.using(schema_editor.connection.alias)
    unwritten = entries.filter(labels="").exclude(state="")
    while chunk := list(unwritten.order_by("pk").values_list("pk", "state")[:CHUNK]):
        alike: dict[str, list[int]] = {}
        for key, state in chunk:
            alike.setdefault(state, []).append(key)
        for state, keys in alike.items():
            update_patiently(unwritten, keys, labels=json.dumps([state]))


class Migration(migrations.Migration):
    atomic = False  # each UPDATE is a transaction: no row stays locked, what is written stays

    dependencies = [("upgrades", "0006_superseded")]

    operations = [
        migrations.RunPython(copy_states, migrations.RunPython.noop, elidable=True),
    ]
