"""Who wrote a text and on which page it stands; two more reasons to stand in the queue; a right to lead."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0011_unjudged_index")]

    operations = [
        migrations.AlterModelOptions(
            name="screening",
            options={
                "base_manager_name": "objects",
                "permissions": (
                    ("review_screening", "Can review screenings"),
                    ("lead_reviews", "Can lead moderation and correct others"),
                ),
                "verbose_name": "screening",
                "verbose_name_plural": "screenings",
            },
        ),
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="author_name",
                field=models.CharField(
                    blank=True, db_default="", default="", max_length=255, verbose_name="author's name"
                ),
            ),
            migrations.AddField(
                model_name="screening",
                name="page_key",
                field=models.CharField(
                    blank=True, db_default="", default="", max_length=255, verbose_name="page"
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
                        ("reported", "reported"),
                        ("author", "author"),
                    ],
                    max_length=12,
                    verbose_name="queued for",
                ),
            ),
        ),
    ]
