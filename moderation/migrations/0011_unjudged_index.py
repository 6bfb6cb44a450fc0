"""The index of the texts that no model was made for."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0010_unjudged")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("verdict", "unjudged")), fields=["-id"], name="moderation_unjudged"
            ),
        ),
    ]
