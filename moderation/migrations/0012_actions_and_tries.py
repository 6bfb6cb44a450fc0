"""Who carries a pending action out and how often that failed, and which versions failed at a text."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0011_places_of_audit_items"),
    ]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="action_token",
                field=models.UUIDField(blank=True, editable=False, null=True),
            ),
            migrations.AddField(
                model_name="screening",
                name="action_until",
                field=models.DateTimeField(blank=True, editable=False, null=True),
            ),
            migrations.AddField(
                model_name="screening",
                name="action_attempts",
                field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
            ),
            migrations.AddField(
                model_name="screening",
                name="failed_versions",
                field=models.TextField(blank=True, db_default="", default="", editable=False),
            ),
        )
    ]
