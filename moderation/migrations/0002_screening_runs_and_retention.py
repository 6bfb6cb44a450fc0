"""Runs, and what retention and a release leave behind. Each column may be null: no database rewrites a table."""

import django.db.models.deletion
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0001_initial"),
    ]

    operations = [
        BesideWriters(
            migrations.AlterModelOptions(
                name="modelversion",
                options={
                    "base_manager_name": "objects",
                    "verbose_name": "model version",
                    "verbose_name_plural": "model versions",
                },
            ),
            migrations.AlterModelOptions(
                name="scoring",
                options={
                    "base_manager_name": "objects",
                    "verbose_name": "scoring",
                    "verbose_name_plural": "scorings",
                },
            ),
            migrations.AlterModelOptions(
                name="screening",
                options={
                    "base_manager_name": "objects",
                    "permissions": (("review_screening", "Can review screenings"),),
                    "verbose_name": "screening",
                    "verbose_name_plural": "screenings",
                },
            ),
            migrations.AddField(
                model_name="screening",
                name="released",
                field=models.DateTimeField(blank=True, null=True, verbose_name="released"),
            ),
            migrations.AddField(
                model_name="screening",
                name="text_digest",
                field=models.CharField(blank=True, editable=False, max_length=64, null=True),
            ),
            migrations.AddField(
                model_name="lease",
                name="holder",
                field=models.CharField(blank=True, max_length=255, null=True),
            ),
            migrations.CreateModel(
                name="ScreeningRun",
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
                            choices=[("rescreen", "rescreen"), ("existing", "existing")],
                            max_length=12,
                            verbose_name="kind",
                        ),
                    ),
                    ("model_label", models.CharField(blank=True, max_length=200, verbose_name="model")),
                    ("since", models.DateTimeField(blank=True, null=True, verbose_name="since")),
                    ("position", models.CharField(blank=True, max_length=255, verbose_name="position")),
                    ("last", models.CharField(blank=True, max_length=255, verbose_name="last")),
                    ("total", models.BigIntegerField(default=0, verbose_name="total")),
                    ("passed", models.BigIntegerField(default=0, verbose_name="passed")),
                    ("scored", models.BigIntegerField(default=0, verbose_name="scored")),
                    ("failures", models.JSONField(blank=True, default=dict, verbose_name="failures")),
                    ("changes", models.JSONField(blank=True, default=dict, verbose_name="changes")),
                    (
                        "started_by_name",
                        models.CharField(blank=True, max_length=255, verbose_name="started by"),
                    ),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    ("updated", models.DateTimeField(auto_now=True, verbose_name="updated")),
                    ("finished", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                    (
                        "model_version",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.modelversion",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "screening run",
                    "verbose_name_plural": "screening runs",
                    "base_manager_name": "objects",
                    "constraints": (
                        models.CheckConstraint(
                            condition=models.Q(("kind__in", ["rescreen", "existing"])),
                            name="moderation_screening_run_kind",
                        ),
                    ),
                },
            ),
        )
    ]
