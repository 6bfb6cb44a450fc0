"""Decisions about many screenings."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0027_reports_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "decision",
                    models.CharField(
                        choices=[
                            ("uphold", "uphold"),
                            ("false_positive", "false positive"),
                            ("relabel", "relabel"),
                            ("other_reason", "another reason"),
                        ],
                        max_length=16,
                        verbose_name="decision",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=32, verbose_name="reason")),
                ("note", models.TextField(blank=True, verbose_name="note")),
                (
                    "chosen",
                    models.CharField(
                        choices=[
                            ("selected", "selected one by one"),
                            ("text", "the same text"),
                            ("author", "the same author"),
                            ("filter", "everything in a list"),
                        ],
                        max_length=12,
                        verbose_name="chosen",
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, verbose_name="items")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("created_by_name", models.CharField(blank=True, max_length=255, verbose_name="created by")),
                ("ready", models.DateTimeField(blank=True, null=True)),
                ("finished", models.DateTimeField(blank=True, null=True, verbose_name="finished")),
                ("undo_asked", models.DateTimeField(blank=True, null=True)),
                ("undone", models.DateTimeField(blank=True, null=True, verbose_name="undone")),
                ("undone_by_name", models.CharField(blank=True, max_length=255, verbose_name="undone by")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undone_by",
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
                "verbose_name": "decision about many",
                "verbose_name_plural": "decisions about many",
                "ordering": ("-id",),
                "default_permissions": (),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="BulkItem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("decided", "decided"),
                            ("left", "left alone"),
                            ("undone", "undone"),
                            ("kept", "not undone"),
                        ],
                        default="waiting",
                        max_length=8,
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("decided", "decided by somebody else meanwhile"),
                            ("not_current", "edited, deleted or blanked meanwhile"),
                            ("claimed", "somebody else was looking at it"),
                            ("one_by_one", "to be judged one by one, without the model's opinion"),
                            ("nothing", "no label over its threshold, so nothing to uphold"),
                            ("not_there", "no longer there"),
                            ("not_allowed", "the person may not decide it any more"),
                            ("taken_back", "taken back before it was decided"),
                            ("changed", "changed by somebody since"),
                            ("error", "an error of the site's code or data"),
                        ],
                        max_length=12,
                    ),
                ),
                (
                    "bulk",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="moderation.bulkdecision",
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
                    ),
                ),
                (
                    "screening",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="moderation.screening",
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a decision about many",
                "verbose_name_plural": "items of decisions about many",
                "default_permissions": (),
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["bulk", "state", "id"], name="moderation_bulk_state")],
                "constraints": [
                    models.UniqueConstraint(fields=("screening", "bulk"), name="moderation_bulk_once")
                ],
            },
        ),
    ]
