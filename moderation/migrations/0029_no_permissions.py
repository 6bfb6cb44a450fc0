"""Takes away permissions that would do nothing."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0028_bulk_decisions"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="secondopiniondue",
            options={
                "base_manager_name": "objects",
                "default_permissions": (),
                "verbose_name": "second opinion due",
                "verbose_name_plural": "second opinions due",
            },
        ),
    ]
