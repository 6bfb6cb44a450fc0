"""Candidates that score beside the active version, and the comments on which the two differ."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters

SHARE = [django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)]


def key() -> models.BigAutoField:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0045_run_progress"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BesideWriters(
            migrations.CreateModel(
                name="ShadowTrial",
                fields=[
                    ("id", key()),
                    (
                        "status",
                        models.CharField(
                            choices=[
                                ("running", "running"),
                                ("ended", "ended"),
                                ("promoted", "promoted"),
                                ("dropped", "dropped"),
                            ],
                            default="running",
                            max_length=12,
                            verbose_name="status",
                        ),
                    ),
                    ("budget", models.FloatField(default=0.2, validators=SHARE, verbose_name="budget")),
                    ("draw_rate", models.FloatField(default=0.5, validators=SHARE, verbose_name="draw rate")),
                    ("counts", models.JSONField(blank=True, default=dict, verbose_name="counts")),
                    ("seconds", models.FloatField(default=0.0, verbose_name="seconds used")),
                    ("is_proved", models.BooleanField(default=False, editable=False)),
                    ("deaths", models.PositiveIntegerField(default=0, editable=False)),
                    (
                        "error_code",
                        models.CharField(blank=True, max_length=64, verbose_name="error code"),
                    ),
                    (
                        "started_by_name",
                        models.CharField(blank=True, max_length=255, verbose_name="started by"),
                    ),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="started")),
                    ("updated", models.DateTimeField(blank=True, null=True, verbose_name="scored last")),
                    ("finished", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                    (
                        "beside",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.modelversion",
                            verbose_name="active version",
                        ),
                    ),
                    (
                        "candidate",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="shadow_trials",
                            to="moderation.modelversion",
                            verbose_name="candidate",
                        ),
                    ),
                    (
                        "started_by",
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
                    "verbose_name": "shadow trial",
                    "verbose_name_plural": "shadow trials",
                    "default_permissions": ("view",),
                    "base_manager_name": "objects",
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("status", "running")),
                            fields=("status",),
                            name="moderation_one_trial",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("status__in", ["running", "ended", "promoted", "dropped"])),
                            name="moderation_trial_status",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("budget__gt", 0), ("budget__lte", 1)),
                            name="moderation_trial_budget",
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("draw_rate__gte", 0), ("draw_rate__lte", 1)),
                            name="moderation_trial_draw_rate",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="ShadowDisagreement",
                fields=[
                    ("id", key()),
                    (
                        "flagged_by",
                        models.CharField(
                            choices=[("active", "the active version"), ("candidate", "the candidate")],
                            max_length=12,
                            verbose_name="flagged by",
                        ),
                    ),
                    ("labels", models.JSONField(default=list, verbose_name="labels")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    (
                        "screening",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="disagreements",
                            to="moderation.screening",
                        ),
                    ),
                    (
                        "trial",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="disagreements",
                            to="moderation.shadowtrial",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "disagreement",
                    "verbose_name_plural": "disagreements",
                    "default_permissions": (),
                    "base_manager_name": "objects",
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("trial", "screening"), name="moderation_disagreed_once"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(("flagged_by__in", ["active", "candidate"])),
                            name="moderation_flagged_by",
                        ),
                    ],
                },
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
                        ("disagreement", "disagreement"),
                    ],
                    max_length=12,
                    verbose_name="queued for",
                ),
            ),
        ),
    ]
