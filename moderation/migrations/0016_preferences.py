"""How each moderator wants to work."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("moderation", "0015_policy_withdrawn"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModeratorPreferences",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_key", models.CharField(editable=False, max_length=255, unique=True)),
                (
                    "covers_texts",
                    models.BooleanField(
                        default=False,
                        help_text="Each text is covered until you uncover it.",
                        verbose_name="cover texts",
                    ),
                ),
                (
                    "masks_profanity",
                    models.BooleanField(
                        default=False,
                        help_text="Letters of swear words are shown as asterisks until you ask for them.",
                        verbose_name="mask swear words",
                    ),
                ),
                (
                    "break_items",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="Empty: never by the number of items.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="remind me of a break after items",
                    ),
                ),
                (
                    "break_minutes",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        default=60,
                        help_text="Minutes of deciding without a pause of ten. Empty: never by the time.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="remind me of a break after minutes",
                    ),
                ),
                (
                    "single_keys",
                    models.BooleanField(
                        default=True,
                        help_text="Letters and digits decide and move. Turn this off if you speak to your computer.",
                        verbose_name="single keys",
                    ),
                ),
                (
                    "order",
                    models.CharField(
                        choices=[
                            ("worst", "worst first"),
                            ("oldest", "oldest first"),
                            ("newest", "newest first"),
                        ],
                        default="worst",
                        max_length=12,
                        verbose_name="order",
                    ),
                ),
                ("break_put_off", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "preferences",
                "verbose_name_plural": "preferences",
            },
        ),
    ]
