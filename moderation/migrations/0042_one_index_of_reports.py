"""Drops the index of reported texts that another one takes the place of."""

from django.db import migrations

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0041_reported_again")]

    operations = [
        BesideWriters(
            migrations.RemoveIndex(model_name="screening", name="moderation_reported"),
        ),
    ]
