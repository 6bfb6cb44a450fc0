"""The index of what lists take for flagged: also audit items, until somebody has decided."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0029_no_permissions")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(
                    ("verdict__in", ["flagged", "held"]),
                    models.Q(("outcome", ""), ("queued_for", "audit")),
                    _connector="OR",
                ),
                fields=["-id", "verdict", "labels"],
                name="moderation_may_count",
            ),
        ),
    ]
