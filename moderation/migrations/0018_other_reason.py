"""Lets a decision hide for another reason than toxicity, which it has to name."""

from django.db import migrations, models

from moderation.db.migration_operations import ReplaceChecksBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0017_reasons_to_hide")]

    operations = [
        ReplaceChecksBesideWriters(
            "review",
            [
                models.CheckConstraint(
                    condition=models.Q(
                        ("decision__in", ["", "uphold", "false_positive", "relabel", "other_reason"])
                    ),
                    name="moderation_review_decision",
                ),
                models.CheckConstraint(
                    condition=models.Q(
                        models.Q(models.Q(("reason", ""), _negated=True), ("decision", "other_reason")),
                        models.Q(models.Q(("decision", "other_reason"), _negated=True), ("reason", "")),
                        _connector="OR",
                    ),
                    name="moderation_review_reason",
                ),
            ],
        )
    ]
