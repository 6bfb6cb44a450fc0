"""Drops the index of authors that the ordered one takes the place of."""

from django.db import migrations

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0023_by_author")]

    operations = [
        BesideWriters(
            migrations.RemoveIndex(model_name="screening", name="moderation_by_author"),
        ),
    ]
