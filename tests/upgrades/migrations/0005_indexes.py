"""Several indexes, which take the place of others."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("upgrades", "0004_labels")]

    operations = [
        AddIndexBesideWriters(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("state", ""), _negated=True),
                fields=["-severity", "id", "labels"],
                name="upgrades_open",
            ),
        ),
        AddIndexBesideWriters(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("token__isnull", False)), fields=["token"], name="upgrades_taken"
            ),
        ),
        AddIndexBesideWriters(
            model_name="entry",
            index=models.Index(fields=["key"], name="upgrades_key"),
        ),
    ]
