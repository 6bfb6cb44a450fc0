"""The indexes of texts by their author's name and by their page."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0013_reported_and_author")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("author_name", ""), _negated=True),
                fields=["author_name", "-id"],
                name="moderation_by_author_name",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("page_key", ""), _negated=True),
                fields=["page_key", "-id"],
                name="moderation_by_page",
            ),
        ),
    ]
