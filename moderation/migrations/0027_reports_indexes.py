"""The indexes of reported texts, and of those whose authors wait for a second look."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0026_reports")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(
                    ("is_current", True),
                    ("outcome", ""),
                    models.Q(("queued_for", ""), _negated=True),
                    ("open_reports__gte", 1),
                ),
                fields=["-severity", "id"],
                name="moderation_reported",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("is_current", True), ("second_look__isnull", False)),
                fields=["second_look", "id"],
                name="moderation_asked_again",
            ),
        ),
    ]
