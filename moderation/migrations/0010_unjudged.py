"""Lets a text be unjudged, and stand in the queue for its language."""

from django.db import migrations, models

from moderation.db.migration_operations import ReplaceChecksBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0009_language")]

    operations = [
        ReplaceChecksBesideWriters(
            "screening",
            [
                models.CheckConstraint(
                    condition=models.Q(("verdict__in", ["", "clear", "flagged", "held", "unjudged"])),
                    name="moderation_screening_verdict",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        ("queued_for__in", ["", "flagged", "held", "audit", "failed", "edited", "language"])
                    ),
                    name="moderation_queued_for",
                ),
            ],
        )
    ]
