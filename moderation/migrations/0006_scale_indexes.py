"""Indexes that claims, the queue's filters and its search need on a million rows; the site goes on saving while
PostgreSQL builds them."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("moderation", "0005_labels"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(
                    ("is_current", True), ("outcome", ""), models.Q(("queued_for", ""), _negated=True)
                ),
                fields=["-severity", "id", "verdict", "labels"],
                name="moderation_open",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("lease_token__isnull", False)),
                fields=["lease_token"],
                name="moderation_leased",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("deaths__gte", 1), ("is_current", True), ("status", "pending")),
                fields=["id"],
                name="moderation_suspects",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("outcome", ""), _negated=True),
                fields=["-reviewed", "-id", "verdict", "labels"],
                name="moderation_decided",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("verdict__in", ["flagged", "held"])),
                fields=["-id", "verdict", "labels"],
                name="moderation_counted",
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(fields=["created"], name="moderation_created"),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(fields=["text_key"], name="moderation_text_key"),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("author_key", ""), _negated=True),
                fields=["author_key"],
                name="moderation_by_author",
            ),
        ),
    ]
