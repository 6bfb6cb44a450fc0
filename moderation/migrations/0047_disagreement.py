"""Lets a text stand in the queue because a candidate flags what the active version calls clear."""

from django.db import migrations, models

from moderation.db.migration_operations import ReplaceChecksBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0046_shadow_trials")]

    operations = [
        ReplaceChecksBesideWriters(
            "screening",
            [
                models.CheckConstraint(
                    condition=models.Q(
                        (
                            "queued_for__in",
                            [
                                *("", "flagged", "held", "audit", "failed", "edited", "language"),
                                *("reported", "author", "disagreement"),
                            ],
                        )
                    ),
                    name="moderation_queued_for",
                ),
            ],
        )
    ]
