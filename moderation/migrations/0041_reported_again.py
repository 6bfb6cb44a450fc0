"""The index of reported texts has those, too, that were decided and that readers brought back."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0040_words_known")]

    operations = [
        AddIndexBesideWriters(
            model_name="screening",
            index=models.Index(
                condition=models.Q(
                    ("is_current", True),
                    ("open_reports__gte", 1),
                    models.Q(
                        ("outcome", "show"),
                        models.Q(("outcome", ""), models.Q(("queued_for", ""), _negated=True)),
                        _connector="OR",
                    ),
                ),
                fields=["-severity", "id"],
                name="moderation_reports_wait",
            ),
        ),
    ]
