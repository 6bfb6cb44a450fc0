"""An index of what we hid, so that what an older registration hid is counted without reading all."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("moderation", "0009_hidden_by"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("hidden_by_us", True), ("is_current", True)),
                fields=["content_type", "hidden_by", "id"],
                name="moderation_hidden",
            ),
        ),
    ]
