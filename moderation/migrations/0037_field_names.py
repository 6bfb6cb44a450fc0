"""Fields that pages of the admin show have names that can be translated; policies are listed as thresholds."""

import django.db.models.deletion
from django.db import migrations, models

from moderation.db.migration_operations import BesideWriters


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0036_picked"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="policy",
            options={
                "default_permissions": ("add", "view"),
                "verbose_name": "policy",
                "verbose_name_plural": "thresholds",
            },
        ),
        BesideWriters(
            migrations.AlterField(
                model_name="modelversion",
                name="parent",
                field=models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="children",
                    to="moderation.modelversion",
                    verbose_name="trained from",
                ),
            ),
            migrations.AlterField(
                model_name="review",
                name="model_version",
                field=models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="moderation.modelversion",
                    verbose_name="model version",
                ),
            ),
            migrations.AlterField(
                model_name="review",
                name="screening",
                field=models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="reviews",
                    to="moderation.screening",
                    verbose_name="screening",
                ),
            ),
            migrations.AlterField(
                model_name="review",
                name="undoes",
                field=models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="undone_by",
                    to="moderation.review",
                    verbose_name="takes back",
                ),
            ),
            migrations.AlterField(
                model_name="screeningrun",
                name="model_version",
                field=models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="+",
                    to="moderation.modelversion",
                    verbose_name="model version",
                ),
            ),
            migrations.AlterField(
                model_name="trainingrun",
                name="candidate",
                field=models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="runs",
                    to="moderation.modelversion",
                    verbose_name="candidate",
                ),
            ),
            migrations.AlterField(
                model_name="trainingrun",
                name="parent",
                field=models.ForeignKey(
                    blank=True,
                    null=True,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name="runs_from_here",
                    to="moderation.modelversion",
                    verbose_name="trained from",
                ),
            ),
            migrations.AlterField(
                model_name="webhookdelivery",
                name="webhook",
                field=models.ForeignKey(
                    on_delete=django.db.models.deletion.CASCADE,
                    related_name="deliveries",
                    to="moderation.webhook",
                    verbose_name="webhook",
                ),
            ),
        ),
    ]
