"""Model versions say where they came from, why, and what they learned; a permission to manage them."""

from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [("moderation", "0042_one_index_of_reports")]

    operations = [
        migrations.AlterModelOptions(
            name="modelversion",
            options={
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "permissions": (("manage_versions", "Can train, activate and remove model versions"),),
                "verbose_name": "model version",
                "verbose_name_plural": "model versions",
            },
        ),
        BesideWriters(
            migrations.AddField(
                model_name="modelversion",
                name="data_fingerprint",
                field=models.CharField(
                    blank=True, db_default="", default="", max_length=64, verbose_name="data fingerprint"
                ),
            ),
            migrations.AddField(
                model_name="modelversion",
                name="note",
                field=models.TextField(blank=True, db_default="", default="", verbose_name="note"),
            ),
            migrations.AddField(
                model_name="modelversion",
                name="origin",
                field=models.CharField(
                    blank=True,
                    choices=[
                        ("packaged", "packaged"),
                        ("retrained", "retrained"),
                        ("published", "published"),
                        ("imported", "imported"),
                    ],
                    db_default="",
                    default="",
                    max_length=12,
                    verbose_name="origin",
                ),
            ),
        ),
    ]
