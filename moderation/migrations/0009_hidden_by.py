"""What an object was hidden with, so that it can be shown again however its model is registered by then."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0008_labels_of_verdicts"),
    ]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="hidden_by",
                field=models.TextField(
                    blank=True, db_default="", default="", editable=False, verbose_name="hidden by"
                ),
            )
        ),
    ]
