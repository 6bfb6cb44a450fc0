"""Columns that may be null: no database rewrites a table."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("upgrades", "0001_initial")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="entry",
                name="blanked",
                field=models.DateTimeField(blank=True, null=True),
            ),
            migrations.AddField(
                model_name="entry",
                name="digest",
                field=models.CharField(blank=True, max_length=64, null=True),
            ),
        )
    ]
