"""An index of what each person decided, in its order."""

from django.db import migrations, models

from moderation.db.migration_operations import AddIndexBesideWriters


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("moderation", "0037_field_names")]

    operations = [
        AddIndexBesideWriters(
            model_name="review",
            index=models.Index(
                fields=["reviewer_name", "created", "screening"], name="moderation_reviewer_dates"
            ),
        ),
    ]
