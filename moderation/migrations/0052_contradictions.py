"""Decisions that contradict each other, for a lead to settle."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0051_imported_labels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BesideWriters(
            migrations.CreateModel(
                name="Contradiction",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("same_text", "the same text was decided otherwise"),
                                ("near_text", "nearly the same text was decided otherwise"),
                                ("unlikely", "unlikely by what was decided on others"),
                                ("reviewer", "somebody's decisions stand out"),
                            ],
                            max_length=12,
                            verbose_name="what is the matter",
                        ),
                    ),
                    ("key", models.CharField(editable=False, max_length=255, unique=True)),
                    ("label", models.CharField(blank=True, max_length=64, verbose_name="label")),
                    ("probability", models.FloatField(blank=True, null=True, verbose_name="probability")),
                    ("reviewer_name", models.CharField(blank=True, max_length=255, verbose_name="reviewer")),
                    ("figures", models.JSONField(blank=True, default=dict, verbose_name="figures")),
                    ("found", models.DateTimeField(auto_now_add=True, verbose_name="found")),
                    ("settled", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                    (
                        "settled_by_name",
                        models.CharField(blank=True, max_length=255, verbose_name="settled by"),
                    ),
                    (
                        "other",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.review",
                            verbose_name="other decision",
                        ),
                    ),
                    (
                        "review",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.review",
                            verbose_name="decision",
                        ),
                    ),
                    (
                        "settled_by",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
                        ),
                    ),
                ],
                options={
                    "verbose_name": "contradiction",
                    "verbose_name_plural": "contradictions",
                    "default_permissions": (),
                    "base_manager_name": "objects",
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                ("kind__in", ["same_text", "near_text", "unlikely", "reviewer"])
                            ),
                            name="moderation_contradiction_kind",
                        )
                    ],
                },
            ),
        ),
    ]
