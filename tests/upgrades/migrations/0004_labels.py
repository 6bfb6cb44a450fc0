"""A column with a default. The default is a constant: PostgreSQL rewrites no row for it."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("upgrades", "0003_index")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="entry",
                name="labels",
                field=models.TextField(blank=True, db_default="", default=""),
            )
        )
    ]
