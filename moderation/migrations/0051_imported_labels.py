"""Lets a review of the kind *import* be stored."""

from django.db import migrations, models

from moderation.db.migration_operations import ReplaceChecksBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0050_import_kind")]

    operations = [
        ReplaceChecksBesideWriters(
            "review",
            [
                models.CheckConstraint(
                    condition=models.Q(
                        ("kind__in", ["decision", "undo", "second_opinion", "suggestion", "import"])
                    ),
                    name="moderation_review_kind",
                )
            ],
        ),
    ]
