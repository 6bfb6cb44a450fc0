"""A review can be of the kind *import*: what a file of another system says."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0049_one_index_of_drawn")]

    operations = [
        BesideWriters(
            migrations.AlterField(
                model_name="review",
                name="kind",
                field=models.CharField(
                    choices=[
                        ("decision", "decision"),
                        ("undo", "undo"),
                        ("second_opinion", "second opinion"),
                        ("suggestion", "confirmed suggestion"),
                        ("import", "import"),
                    ],
                    default="decision",
                    max_length=16,
                    verbose_name="kind",
                ),
            ),
        ),
    ]
