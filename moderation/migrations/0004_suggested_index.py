"""The index of the suggestions that wait for a person."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0003_suggestions")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("is_current", True), ("outcome", ""), ("source", "suggestion")),
                fields=["-id"],
                name="moderation_suggested",
            ),
        ),
    ]
