"""The index of what lists take for flagged: also what chance brought up, until somebody has decided."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0047_disagreement")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(
                    ("verdict__in", ["flagged", "held"]),
                    models.Q(("outcome", ""), ("queued_for__in", ("audit", "disagreement"))),
                    _connector="OR",
                ),
                fields=["-id", "verdict", "labels"],
                name="moderation_or_drawn",
            ),
        ),
    ]
