"""The table of what API clients say of texts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("moderation", "0002_api_keys")]

    operations = [
        migrations.CreateModel(
            name="Suggestion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("scores", models.JSONField(default=dict, verbose_name="scores")),
                ("labels", models.JSONField(default=dict, verbose_name="labels")),
                ("key_name", models.CharField(blank=True, max_length=100, verbose_name="key")),
                ("community_id", models.CharField(blank=True, max_length=255, verbose_name="community")),
                ("client_token", models.CharField(blank=True, max_length=255, verbose_name="client token")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "screening",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suggestions",
                        to="moderation.screening",
                    ),
                ),
            ],
            options={
                "verbose_name": "suggestion",
                "verbose_name_plural": "suggestions",
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["client_token", "community_id"], name="moderation_suggested_for")
                ],
            },
        ),
    ]
