"""The index of decided texts by their key, to tell what was decided on the same text."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0024_one_index_of_authors")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("outcome", ""), _negated=True),
                fields=["text_key", "-reviewed", "-id", "outcome"],
                name="moderation_same_decided",
            ),
        ),
    ]
