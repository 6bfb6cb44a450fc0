"""Who is looking at which open item, and who left which one to others: ItemClaim, ItemSkip."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening


class ItemClaim(models.Model):
    """One open item in one person's hands, for a few minutes. A row whose time is over means nothing."""

    screening = models.OneToOneField(Screening, models.CASCADE, primary_key=True, related_name="claim")
    user_key = models.CharField(max_length=255, editable=False)
    """The user's primary key as text: no foreign key to a user cascades."""
    username = models.CharField(_("moderator"), max_length=255)
    since = models.DateTimeField(_("since"))
    """When this person got it, by the database's clock."""
    until = models.DateTimeField(_("until"))
    """Others may have it from this time of the database's clock on."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        default_permissions = ()
        indexes = (
            models.Index(fields=["until"], name="moderation_item_claim_until"),
            models.Index(fields=["user_key", "until"], name="moderation_item_claim_user"),
        )

    def __str__(self) -> str:
        return f"Claim of screening {self.screening_id}"


class ItemSkip(models.Model):
    """One open item that one person left to others, who gets it again only after a while."""

    screening = models.ForeignKey(Screening, models.CASCADE, related_name="+")
    user_key = models.CharField(max_length=255, editable=False)
    """The user's primary key as text."""
    until = models.DateTimeField(_("until"))
    """The person may be dealt it again from this time of the database's clock on."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("skip")
        verbose_name_plural = _("skips")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["user_key", "screening"], name="moderation_item_skip_once"),
        )
        indexes = (models.Index(fields=["until"], name="moderation_item_skip_until"),)

    def __str__(self) -> str:
        return f"Skip of screening {self.screening_id}"
