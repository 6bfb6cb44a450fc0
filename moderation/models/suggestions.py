"""What API clients say of texts that they send: Suggestion."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening


class Suggestion(models.Model):
    """One client's scores for one screened text. A person confirms it; by itself it teaches nothing."""

    screening = models.ForeignKey(Screening, models.CASCADE, related_name="suggestions")
    """Of the source `suggestion`: the text as the client sent it."""
    scores = models.JSONField(_("scores"), default=dict)
    """{attribute: 0 to 1}, as the client named them."""
    labels = models.JSONField(_("labels"), default=dict)
    """{label: 0 to 1}: those of the scores that the active version had a label for then."""
    key_name = models.CharField(_("key"), max_length=100, blank=True)
    """The name of the API key that it came with; empty for none."""
    community_id = models.CharField(_("community"), max_length=255, blank=True)
    """Whatever the client calls the place that the text is from."""
    client_token = models.CharField(_("client token"), max_length=255, blank=True)
    """Whatever the client calls the text, such as `comment:7`."""
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("suggestion")
        verbose_name_plural = _("suggestions")
        default_permissions = ()
        base_manager_name = "objects"
        indexes = (models.Index(fields=["client_token", "community_id"], name="moderation_suggested_for"),)

    def __str__(self) -> str:
        return f"Suggestion {self.pk} for screening {self.screening_id}"
