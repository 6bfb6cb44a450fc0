"""Which boxes a person touched when relabelling."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0043_version_origin")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="review",
                name="touched",
                field=models.JSONField(blank=True, null=True, verbose_name="boxes touched"),
            ),
        ),
    ]
