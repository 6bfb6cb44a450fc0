"""The labels of each verdict in its screening, too, so that an index answers for a label."""

import json
from collections.abc import Iterator
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CHUNK = 1000


def copy_labels(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Write the labels of each verdict into its screening; may be done again at any time."""
    using = schema_editor.connection.alias
    screenings = apps.get_model("moderation", "Screening").objects.using(using)
    for labels_of in _labels_by_screening(apps, using):
        alike: dict[tuple[str, ...], list[int]] = {}
        for key, labels in labels_of.items():
            alike.setdefault(tuple(labels), []).append(key)
        for names, keys in alike.items():
            screenings.filter(pk__in=keys).update(labels=json.dumps(list(names)))


def _labels_by_screening(apps: Apps, using: str) -> Iterator[dict[int, list[str]]]:
    """{screening: its labels}, a chunk of scorings at a time."""
    label_scores = apps.get_model("moderation", "LabelScore").objects.using(using)
    scorings = apps.get_model("moderation", "Scoring").objects.using(using)
    judged = scorings.filter(is_basis=True, screening__verdict__in=["flagged", "held"]).order_by("pk")
    after = 0
    while chunk := list(judged.filter(pk__gt=after)[:CHUNK]):
        found: dict[int, list[str]] = {}
        counted: dict[int, set[str]] = {}
        rows: Any = label_scores.filter(scoring__in=[row.pk for row in chunk])
        for scoring, label in rows.values_list("scoring", "label"):
            counted.setdefault(scoring, set()).add(label)
        for row in chunk:
            if row.pk in counted:
                found[row.screening_id] = sorted(counted[row.pk])
        yield found
        after = chunk[-1].pk


class Migration(migrations.Migration):
    atomic = False  # each UPDATE is a transaction: no row stays locked, what is written stays

    dependencies = [
        ("moderation", "0007_superseded_indexes"),
    ]

    operations = [
        migrations.RunPython(copy_labels, migrations.RunPython.noop, elidable=True),
    ]
