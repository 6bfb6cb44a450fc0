"""What is dealt for a second opinion has a place of its own in the queue."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0052_contradictions")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="secondopiniondue",
                name="severity",
                field=models.FloatField(blank=True, editable=False, null=True),
            ),
        ),
    ]
