"""The table as the first release made it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.TextField()),
                ("key", models.CharField(blank=True, db_index=True, max_length=64)),
                ("token", models.UUIDField(blank=True, db_index=True, null=True)),
                ("state", models.CharField(blank=True, max_length=12)),
                ("severity", models.FloatField(default=0.0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.OrderBy(models.F("severity"), descending=True),
                        models.OrderBy(models.F("id")),
                        condition=models.Q(("state", ""), _negated=True),
                        name="upgrades_open_queue",
                    )
                ],
            },
        ),
    ]
