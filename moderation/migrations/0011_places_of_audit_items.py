"""Open audit items leave the end of the queue for places that tell nothing."""

import random
from typing import Any

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

CHUNK = 1000
RECENT = 200


def mix(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give each the severity and labels of a recent flagged screening; may be done again at any time."""
    screenings: Any = apps.get_model("moderation", "Screening").objects.using(schema_editor.connection.alias)
    flagged = screenings.filter(verdict="flagged").order_by("-id").values_list("severity", "labels")[:RECENT]
    known = [place for place in flagged if place[0] >= 0]
    waiting = screenings.filter(queued_for="audit", outcome="", is_current=True, severity__lt=0)
    while keys := list(waiting.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        alike: dict[tuple[float, str], list[int]] = {}
        for key in keys:
            place = random.choice(known) if known else (random.uniform(0, 0.5), "")  # noqa: S311 - a place
            alike.setdefault(place, []).append(key)
        for (severity, labels), rows in alike.items():
            screenings.filter(pk__in=rows).update(severity=severity, labels=labels)


class Migration(migrations.Migration):
    atomic = False  # each UPDATE is a transaction: no row stays locked, what is written stays

    dependencies = [
        ("moderation", "0010_hidden_index"),
    ]

    operations = [
        migrations.RunPython(mix, migrations.RunPython.noop, elidable=True),
    ]
