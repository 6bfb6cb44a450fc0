"""Which decided texts are shown to another moderator once more: SecondOpinionDue."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening


class SecondOpinionDue(models.Model):
    """One decided screening that waits for a second opinion, or has had one."""

    screening = models.OneToOneField(Screening, models.CASCADE, related_name="second_opinion_due")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    """Who decided; it is dealt to anybody else."""
    probability = models.FloatField(_("probability"))
    """With which it was drawn: SECOND_OPINION_SHARE as it was then."""
    severity = models.FloatField(null=True, blank=True, editable=False)
    """Its place in the queue: that of its screening, or, where that was held, a flagged one's: held items are
    not judged blind. Null: drawn by an earlier release, which gave it none."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    answered = models.DateTimeField(_("answered"), null=True, blank=True)
    """When the first second opinion came; null: nobody has given one, or it was taken back."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("second opinion due")
        verbose_name_plural = _("second opinions due")
        default_permissions = ()
        base_manager_name = "objects"
        constraints = (
            models.CheckConstraint(
                condition=Q(probability__gt=0, probability__lte=1), name="moderation_second_probability"
            ),
        )
        indexes = (models.Index(fields=["id"], condition=Q(answered=None), name="moderation_second_due"),)

    def __str__(self) -> str:
        return f"Second opinion on screening {self.screening_id}"
