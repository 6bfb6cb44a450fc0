"""For whom an API key decides."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("moderation", "0006_nudged"),
    ]

    operations = [
        BesideWriters(
            migrations.AddField(
                model_name="apikey",
                name="user",
                field=models.ForeignKey(
                    blank=True,
                    help_text="Whose decisions those made with the key are. Without one it decides nothing.",
                    null=True,
                    on_delete=django.db.models.deletion.SET_NULL,
                    related_name="+",
                    to=settings.AUTH_USER_MODEL,
                    verbose_name="acts for",
                ),
            ),
        )
    ]
