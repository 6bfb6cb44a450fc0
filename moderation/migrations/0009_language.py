"""The language of each screened text, and what becomes of one that the model was not made for."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0008_webhooks")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="language",
                field=models.CharField(
                    blank=True, db_default="", default="", max_length=40, verbose_name="language"
                ),
            ),
            migrations.AlterField(
                model_name="screening",
                name="verdict",
                field=models.CharField(
                    blank=True,
                    choices=[
                        ("clear", "clear"),
                        ("flagged", "flagged"),
                        ("held", "held"),
                        ("unjudged", "not judged"),
                    ],
                    max_length=12,
                    verbose_name="verdict",
                ),
            ),
            migrations.AlterField(
                model_name="screening",
                name="queued_for",
                field=models.CharField(
                    blank=True,
                    choices=[
                        ("flagged", "flagged"),
                        ("held", "held"),
                        ("audit", "audit"),
                        ("failed", "failed"),
                        ("edited", "edited"),
                        ("language", "language"),
                    ],
                    max_length=12,
                    verbose_name="queued for",
                ),
            ),
        )
    ]
