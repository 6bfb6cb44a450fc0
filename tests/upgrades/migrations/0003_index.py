"""One index; the site goes on saving while PostgreSQL builds it."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("upgrades", "0002_columns")]

    operations = [
        AddIndexBesideWriters(
            model_name="entry",
            index=models.Index(
                condition=models.Q(("blanked", None)), fields=["state", "id"], name="upgrades_to_blank"
            ),
        ),
    ]
