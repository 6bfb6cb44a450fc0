"""What the author of a text did who was told before posting what it may be read as."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0005_perspective_scales"),
    ]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="nudged",
                field=models.CharField(
                    blank=True,
                    choices=[("edited", "edited"), ("posted_anyway", "posted anyway")],
                    db_default="",
                    default="",
                    editable=False,
                    max_length=16,
                    verbose_name="nudged",
                ),
            ),
        )
    ]
