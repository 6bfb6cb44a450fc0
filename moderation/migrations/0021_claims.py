"""Open items are dealt to one person at a time, and can be left to others."""

import django.db.models.deletion
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0020_groups")]

    operations = [
        BesideWriters(
            migrations.CreateModel(
                name="ItemClaim",
                fields=[
                    (
                        "screening",
                        models.OneToOneField(
                            on_delete=django.db.models.deletion.CASCADE,
                            primary_key=True,
                            related_name="claim",
                            serialize=False,
                            to="moderation.screening",
                        ),
                    ),
                    ("user_key", models.CharField(editable=False, max_length=255)),
                    ("username", models.CharField(max_length=255, verbose_name="moderator")),
                    ("since", models.DateTimeField(verbose_name="since")),
                    ("until", models.DateTimeField(verbose_name="until")),
                ],
                options={
                    "verbose_name": "claim",
                    "verbose_name_plural": "claims",
                    "default_permissions": (),
                    "indexes": [
                        models.Index(fields=["until"], name="moderation_item_claim_until"),
                        models.Index(fields=["user_key", "until"], name="moderation_item_claim_user"),
                    ],
                },
            ),
            migrations.CreateModel(
                name="ItemSkip",
                fields=[
                    (
                        "id",
                        models.BigAutoField(
                            auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                        ),
                    ),
                    ("user_key", models.CharField(editable=False, max_length=255)),
                    ("until", models.DateTimeField(verbose_name="until")),
                    (
                        "screening",
                        models.ForeignKey(
                            on_delete=django.db.models.deletion.CASCADE,
                            related_name="+",
                            to="moderation.screening",
                        ),
                    ),
                ],
                options={
                    "verbose_name": "skip",
                    "verbose_name_plural": "skips",
                    "default_permissions": (),
                    "indexes": [models.Index(fields=["until"], name="moderation_item_skip_until")],
                    "constraints": [
                        models.UniqueConstraint(
                            fields=("user_key", "screening"), name="moderation_item_skip_once"
                        )
                    ],
                },
            ),
        ),
    ]
