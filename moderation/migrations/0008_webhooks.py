"""Webhooks, and the outbox of what they are to be told."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0007_api_key_user"),
    ]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("url", models.CharField(max_length=500, verbose_name="URL")),
                ("salt", models.CharField(editable=False, max_length=64)),
                ("secret_sha256", models.CharField(editable=False, max_length=64)),
                ("events", models.JSONField(default=list, verbose_name="events")),
                ("includes_text", models.BooleanField(default=False, verbose_name="includes the text")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="is enabled")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "created_by_name",
                    models.CharField(blank=True, editable=False, max_length=255, verbose_name="created by"),
                ),
                (
                    "last_delivered",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="last delivered"
                    ),
                ),
                (
                    "failing_since",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="failing since"),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row"),
                ),
                (
                    "last_error",
                    models.CharField(blank=True, editable=False, max_length=64, verbose_name="last error"),
                ),
                ("paused_until", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
                "ordering": ("-id",),
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event", models.CharField(max_length=32, verbose_name="event")),
                (
                    "event_id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, unique=True, verbose_name="event id"
                    ),
                ),
                ("screening_id", models.BigIntegerField(blank=True, null=True, verbose_name="screening")),
                ("payload", models.JSONField(default=dict, verbose_name="payload")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("delivered", "delivered"),
                            ("given_up", "given up"),
                        ],
                        default="waiting",
                        max_length=12,
                        verbose_name="status",
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("waiting_since", models.DateTimeField(auto_now_add=True, verbose_name="waiting since")),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("retry_at", models.DateTimeField(blank=True, null=True, verbose_name="next try")),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("ended", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("last_error", models.CharField(blank=True, max_length=64, verbose_name="last error")),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deliveries",
                        to="moderation.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "webhook delivery",
                "verbose_name_plural": "webhook deliveries",
                "ordering": ("-id",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "waiting")),
                        fields=["webhook", "id"],
                        name="moderation_delivery_waits",
                    ),
                    models.Index(
                        condition=models.Q(("status", "waiting"), _negated=True),
                        fields=["ended"],
                        name="moderation_delivery_ended",
                    ),
                ],
            },
        ),
    ]
