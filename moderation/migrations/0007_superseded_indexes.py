"""Without the indexes whose place those of 0006 take: PostgreSQL drops them and touches no row."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0006_scale_indexes"),
    ]

    operations = [
        BesideWriters(
            migrations.RemoveIndex(
                model_name="screening",
                name="moderation_open_queue",
            ),
            migrations.AlterField(
                model_name="screening",
                name="lease_token",
                field=models.UUIDField(blank=True, editable=False, null=True),
            ),
            migrations.AlterField(
                model_name="screening",
                name="text_key",
                field=models.CharField(blank=True, max_length=64, verbose_name="text key"),
            ),
        )
    ]
