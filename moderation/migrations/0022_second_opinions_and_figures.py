"""Second opinions that are due, and figures that workers make for the dashboard."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0021_claims"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BesideWriters(
            migrations.CreateModel(
                name="StoredFigures",
                fields=[
                    ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                    ("made", models.DateTimeField(verbose_name="made")),
                    ("data", models.JSONField(default=dict, verbose_name="data")),
                ],
                options={
                    "verbose_name": "dashboard",
                    "verbose_name_plural": "dashboard",
                    "default_permissions": (),
                    "base_manager_name": "objects",
                },
            ),
            migrations.CreateModel(
                name="SecondOpinionDue",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("probability", models.FloatField(verbose_name="probability")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    ("answered", models.DateTimeField(blank=True, null=True, verbose_name="answered")),
                    (
                        "reviewer",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                    (
                        "screening",
                        models.OneToOneField(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="second_opinion_due",
                            to="moderation.screening",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "second opinion due",
                    "verbose_name_plural": "second opinions due",
                    "default_permissions": (),
                    "base_manager_name": "objects",
                    "indexes": [
                        models.Index(
                            condition=models.Q(("answered", None)),
                            fields=["id"],
                            name="moderation_second_due",
                        )
                    ],
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(("probability__gt", 0), ("probability__lte", 1)),
                            name="moderation_second_probability",
                        )
                    ],
                },
            ),
        ),
    ]
