"""Why an object was hidden that is not toxic, and when it had been released before a decision."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0016_preferences")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="review",
                name="reason",
                field=models.CharField(
                    blank=True, db_default="", default="", max_length=32, verbose_name="reason"
                ),
            ),
            migrations.AddField(
                model_name="review",
                name="was_released",
                field=models.DateTimeField(blank=True, editable=False, null=True),
            ),
            migrations.AlterField(
                model_name="review",
                name="decision",
                field=models.CharField(
                    blank=True,
                    choices=[
                        ("uphold", "uphold"),
                        ("false_positive", "false positive"),
                        ("relabel", "relabel"),
                        ("other_reason", "another reason"),
                    ],
                    max_length=16,
                    verbose_name="decision",
                ),
            ),
        ),
    ]
