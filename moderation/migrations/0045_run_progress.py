"""Lets a training run say how far it is, and when it said so last."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0044_touched")]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="trainingrun",
                name="progress",
                field=models.JSONField(blank=True, null=True, verbose_name="progress"),
            ),
            migrations.AddField(
                model_name="trainingrun",
                name="updated",
                field=models.DateTimeField(blank=True, null=True, verbose_name="updated"),
            ),
        ),
    ]
