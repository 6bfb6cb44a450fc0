"""The index by which retention finds what is due; the site goes on saving while PostgreSQL builds it."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("moderation", "0002_screening_runs_and_retention"),
    ]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(
                    ("blanked", None),
                    models.Q(
                        ("is_current", False),
                        models.Q(
                            models.Q(("status", "pending"), _negated=True),
                            models.Q(
                                ("queued_for", ""), models.Q(("outcome", ""), _negated=True), _connector="OR"
                            ),
                        ),
                        _connector="OR",
                    ),
                ),
                fields=["content_type", "created"],
                name="moderation_to_blank",
            ),
        ),
    ]
