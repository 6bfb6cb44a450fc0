"""The column for the labels of each verdict. Its default is a constant: PostgreSQL rewrites no row for it."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0004_worker_heartbeat"),
    ]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="labels",
                field=models.TextField(
                    blank=True, db_default="", default="", editable=False, verbose_name="labels"
                ),
            ),
        )
    ]
