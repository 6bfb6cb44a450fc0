"""The list of screenings is called the moderation queue."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0033_author_trust"),
    ]

    operations = [
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
                "verbose_name_plural": "moderation queue",
            },
        ),
    ]
