"""Drops the index of reviewers that the one with dates takes the place of."""

from django.db import migrations

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0038_reviewer_dates")]

    operations = [
        BesideWriters(
            migrations.RemoveIndex(model_name="review", name="moderation_by_reviewer"),
        ),
    ]
