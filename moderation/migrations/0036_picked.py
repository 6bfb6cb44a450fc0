"""Whether moderators picked an item, or came to it in the queue's order."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0035_author_notes")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="review",
                name="is_picked",
                field=models.BooleanField(
                    db_default=False, default=False, editable=False, verbose_name="picked"
                ),
            ),
            migrations.AddField(
                model_name="screening",
                name="was_picked",
                field=models.BooleanField(db_default=False, default=False, editable=False),
            ),
        ),
    ]
