"""Permissions that do something, and no others."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0018_other_reason"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="apikey",
            options={
                "base_manager_name": "objects",
                "default_permissions": ("add", "change", "view"),
                "ordering": ("-id",),
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
            },
        ),
        migrations.AlterModelOptions(
            name="auditentry",
            options={
                "default_permissions": ("view",),
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
            },
        ),
        migrations.AlterModelOptions(
            name="discovery",
            options={
                "default_permissions": (),
                "verbose_name": "discovery",
                "verbose_name_plural": "discoveries",
            },
        ),
        migrations.AlterModelOptions(
            name="labelscore",
            options={
                "default_permissions": (),
                "verbose_name": "label score",
                "verbose_name_plural": "label scores",
            },
        ),
        migrations.AlterModelOptions(
            name="lease",
            options={"default_permissions": (), "verbose_name": "lease", "verbose_name_plural": "leases"},
        ),
        migrations.AlterModelOptions(
            name="modelversion",
            options={
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "verbose_name": "model version",
                "verbose_name_plural": "model versions",
            },
        ),
        migrations.AlterModelOptions(
            name="moderatorpreferences",
            options={
                "default_permissions": (),
                "verbose_name": "preferences",
                "verbose_name_plural": "preferences",
            },
        ),
        migrations.AlterModelOptions(
            name="perspectivescale",
            options={
                "base_manager_name": "objects",
                "default_permissions": (),
                "verbose_name": "Perspective scale",
                "verbose_name_plural": "Perspective scales",
            },
        ),
        migrations.AlterModelOptions(
            name="policy",
            options={
                "default_permissions": ("add", "view"),
                "verbose_name": "policy",
                "verbose_name_plural": "policies",
            },
        ),
        migrations.AlterModelOptions(
            name="review",
            options={
                "default_permissions": ("view",),
                "ordering": ("screening", "number"),
                "verbose_name": "review",
                "verbose_name_plural": "reviews",
            },
        ),
        migrations.AlterModelOptions(
            name="scoring",
            options={
                "base_manager_name": "objects",
                "default_permissions": (),
                "verbose_name": "scoring",
                "verbose_name_plural": "scorings",
            },
        ),
        migrations.AlterModelOptions(
            name="screening",
            options={
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "permissions": (
                    ("review_screening", "Can review screenings"),
                    ("lead_reviews", "Can lead moderation and correct others"),
                ),
                "verbose_name": "screening",
                "verbose_name_plural": "screenings",
            },
        ),
        migrations.AlterModelOptions(
            name="screeningrun",
            options={
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "verbose_name": "screening run",
                "verbose_name_plural": "screening runs",
            },
        ),
        migrations.AlterModelOptions(
            name="suggestion",
            options={
                "base_manager_name": "objects",
                "default_permissions": (),
                "verbose_name": "suggestion",
                "verbose_name_plural": "suggestions",
            },
        ),
        migrations.AlterModelOptions(
            name="trainingrun",
            options={
                "default_permissions": ("view",),
                "verbose_name": "training run",
                "verbose_name_plural": "training runs",
            },
        ),
        migrations.AlterModelOptions(
            name="webhook",
            options={
                "base_manager_name": "objects",
                "default_permissions": (),
                "ordering": ("-id",),
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
            },
        ),
        migrations.AlterModelOptions(
            name="webhookdelivery",
            options={
                "base_manager_name": "objects",
                "default_permissions": (),
                "ordering": ("-id",),
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
            },
        ),
        migrations.AlterModelOptions(
            name="workerheartbeat",
            options={
                "default_permissions": (),
                "verbose_name": "worker heartbeat",
                "verbose_name_plural": "worker heartbeats",
            },
        ),
    ]
