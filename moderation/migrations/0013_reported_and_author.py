"""Lets a text stand in the queue for readers' reports alone, or for its author."""

from django.db import migrations, models

from moderation.db.migration_operations import ReplaceChecksBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0012_author_and_page")]

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
                                *("reported", "author"),
                            ],
                        )
                    ),
                    name="moderation_queued_for",
                ),
            ],
        )
    ]
