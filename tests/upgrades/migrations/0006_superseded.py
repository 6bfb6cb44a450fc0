"""Without the indexes whose place those of 0005 take: PostgreSQL drops them and touches no row."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("upgrades", "0005_indexes")]

    operations = [
        BesideWriters(
            migrations.RemoveIndex(model_name="entry", name="upgrades_open_queue"),
            migrations.AlterField(
                model_name="entry", name="token", field=models.UUIDField(blank=True, null=True)
            ),
            migrations.AlterField(
                model_name="entry", name="key", field=models.CharField(blank=True, max_length=64)
            ),
        )
    ]
