"""The indexes of the queue's lists, orders and filters."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters

OPEN = models.Q(("is_current", True), ("outcome", ""), models.Q(("queued_for", ""), _negated=True))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0030_may_count")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=OPEN, fields=["id", "queued_for", "verdict", "labels"], name="moderation_open_by_id"
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=OPEN, fields=["queued_for", "-severity", "id"], name="moderation_open_reasons"
            ),
        ),
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(("language", ""), _negated=True),
                fields=["language"],
                name="moderation_by_language",
            ),
        ),
        AddIndexBesideWriters(
            model_name="scoring",
            index=models.Index(
                condition=models.Q(("is_basis", True)),
                fields=["model_version", "-screening"],
                name="moderation_by_version",
            ),
        ),
        AddIndexBesideWriters(
            model_name="review",
            index=models.Index(fields=["reviewer_name", "screening"], name="moderation_by_reviewer"),
        ),
        AddIndexBesideWriters(
            model_name="review",
            index=models.Index(
                condition=models.Q(("reason", ""), _negated=True),
                fields=["reason", "screening"],
                name="moderation_by_reason",
            ),
        ),
    ]
