"""Lets a policy be withdrawn."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0014_by_author_and_page")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="policy",
                name="is_withdrawn",
                field=models.BooleanField(db_default=False, default=False, verbose_name="withdrawn"),
            ),
        ),
    ]
