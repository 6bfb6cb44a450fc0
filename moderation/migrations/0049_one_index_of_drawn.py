"""Drops the index of audit items that another one takes the place of."""

from django.db import migrations

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0048_or_drawn")]

    operations = [
        BesideWriters(
            migrations.RemoveIndex(model_name="screening", name="moderation_may_count"),
        ),
    ]
