"""The index of an author's texts, the newest first."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0022_second_opinions_and_figures")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("author_key", ""), _negated=True),
                fields=["author_key", "-id"],
                name="moderation_by_author_key",
            ),
        ),
    ]
