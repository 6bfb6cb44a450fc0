"""What readers report, and what authors ask to be looked at once more."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0025_same_decided"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="screening",
                name="held_by_reports",
                field=models.BooleanField(
                    db_default=False, default=False, editable=False, verbose_name="held by reports"
                ),
            ),
            migrations.AddField(
                model_name="screening",
                name="open_reports",
                field=models.IntegerField(
                    db_default=0, default=0, editable=False, verbose_name="open reports"
                ),
            ),
            migrations.AddField(
                model_name="screening",
                name="second_look",
                field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="second look"),
            ),
            migrations.CreateModel(
                name="Report",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    (
                        "source",
                        models.CharField(
                            choices=[
                                ("site", "the site"),
                                ("page", "the report page"),
                                ("api", "the API"),
                                ("comments", "a flag of django-contrib-comments"),
                            ],
                            max_length=12,
                            verbose_name="source",
                        ),
                    ),
                    ("reporter_key", models.CharField(editable=False, max_length=255)),
                    ("key_name", models.CharField(blank=True, max_length=100, verbose_name="API key")),
                    ("reason", models.CharField(max_length=32, verbose_name="reason")),
                    ("note", models.TextField(blank=True, verbose_name="note")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    ("settled", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                    (
                        "reporter",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.SET_NULL,
                            related_name="+",
                            to=settings.AUTH_USER_MODEL,
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
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="reports",
                            to="moderation.screening",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "report",
                    "verbose_name_plural": "reports",
                    "default_permissions": (),
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("screening", "reporter_key"), name="moderation_report_once"
                        ),
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("review", None), ("settled", None)),
                                models.Q(("review__isnull", False), ("settled__isnull", False)),
                                _connector="OR",
                            ),
                            name="moderation_report_settled",
                        ),
                    ],
                },
            ),
            migrations.CreateModel(
                name="SecondLook",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("words", models.TextField(blank=True, verbose_name="the author's words")),
                    ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                    ("settled", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                    (
                        "answer",
                        models.ForeignKey(
                            blank=True,
                            null=True,
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="+",
                            to="moderation.review",
                        ),
                    ),
                    (
                        "decision",
                        models.OneToOneField(
                            on_delete=django.db.models.deletion.PROTECT,
                            related_name="second_look",
                            to="moderation.review",
                        ),
                    ),
                    (
                        "screening",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="second_looks",
                            to="moderation.screening",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "second look",
                    "verbose_name_plural": "second looks",
                    "default_permissions": (),
                    "constraints": [
                        models.CheckConstraint(
                            condition=models.Q(
                                models.Q(("answer", None), ("settled", None)),
                                models.Q(("answer__isnull", False), ("settled__isnull", False)),
                                _connector="OR",
                            ),
                            name="moderation_second_look_settled",
                        ),
                    ],
                },
            ),
        ),
    ]
