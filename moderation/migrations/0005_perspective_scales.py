"""The table of scales that a site fits to scores of its own."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0004_suggested_index")]

    operations = [
        migrations.CreateModel(
            name="PerspectiveScale",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("maps", models.JSONField(default=dict, verbose_name="maps")),
                ("comments", models.PositiveIntegerField(default=0, verbose_name="comments")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("created_by_name", models.CharField(blank=True, max_length=255, verbose_name="created by")),
                (
                    "model_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="perspective_scales",
                        to="moderation.modelversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "Perspective scale",
                "verbose_name_plural": "Perspective scales",
                "base_manager_name": "objects",
            },
        ),
    ]
