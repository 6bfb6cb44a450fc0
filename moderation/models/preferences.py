"""How one moderator wants to work: ModeratorPreferences."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager


class ModeratorPreferences(models.Model):
    """What one moderator chose for the queue; somebody without a row has the defaults."""

    class Order(models.TextChoices):
        """Which items of a list come first."""

        WORST = "worst", _("worst first")
        OLDEST = "oldest", _("oldest first")
        NEWEST = "newest", _("newest first")

    user_key = models.CharField(max_length=255, unique=True, editable=False)
    """The user's primary key as text: no foreign key to a user cascades."""
    covers_texts = models.BooleanField(
        _("cover texts"), default=False, help_text=_("Each text is covered until you uncover it.")
    )
    masks_profanity = models.BooleanField(
        _("mask swear words"),
        default=False,
        help_text=_("Letters of swear words are shown as asterisks until you ask for them."),
    )
    break_items = models.PositiveSmallIntegerField(
        _("remind me of a break after items"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: never by the number of items."),
    )
    break_minutes = models.PositiveSmallIntegerField(
        _("remind me of a break after minutes"),
        null=True,
        blank=True,
        default=60,
        validators=[MinValueValidator(1)],
        help_text=_("Minutes of deciding without a pause of ten. Empty: never by the time."),
    )
    single_keys = models.BooleanField(
        _("single keys"),
        default=True,
        help_text=_("Letters and digits decide and move. Turn this off if you speak to your computer."),
    )
    order = models.CharField(_("order"), max_length=12, choices=Order, default=Order.WORST)
    break_put_off = models.DateTimeField(null=True, blank=True, editable=False)
    """No break is spoken of before this time."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("preferences")
        verbose_name_plural = _("preferences")
        default_permissions = ()

    def __str__(self) -> str:
        return f"Preferences of user {self.user_key}"
