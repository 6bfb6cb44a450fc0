"""Candidates that score beside the active version: ShadowTrial, ShadowDisagreement."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening
from moderation.models.versions import ModelVersion

_SHARE = (MinValueValidator(0.0), MaxValueValidator(1.0))


class ShadowTrial(models.Model):
    """One time in which a candidate scores what the active version has just scored, without effect."""

    class Status(models.TextChoices):
        """How far it is."""

        RUNNING = "running", _("running")
        """Workers score with the candidate, too."""
        ENDED = "ended", _("ended")
        """Stopped by somebody, or by an error; nothing is decided of the candidate."""
        PROMOTED = "promoted", _("promoted")
        """The candidate was activated."""
        DROPPED = "dropped", _("dropped")
        """Somebody decided against the candidate."""

    candidate = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="shadow_trials", verbose_name=_("candidate")
    )
    beside = models.ForeignKey(
        ModelVersion, models.PROTECT, related_name="+", verbose_name=_("active version")
    )
    """The version that was active when it started; the trial ends once another one is."""
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.RUNNING)
    budget = models.FloatField(_("budget"), default=0.2, validators=_SHARE)
    """Share of each worker's time that the candidate may take, over 0 to 1."""
    draw_rate = models.FloatField(_("draw rate"), default=0.5, validators=_SHARE)
    """With which a comment comes into the queue that the candidate alone flags."""
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    """What `moderation.shadow.counting` counts; never comment text."""
    seconds = models.FloatField(_("seconds used"), default=0.0)
    """Of the workers' time, to load the candidate, to score with it and to store that."""
    is_proved = models.BooleanField(default=False, editable=False)
    """True once a worker has scored with the candidate; until then one worker at a time tries."""
    deaths = models.PositiveIntegerField(default=0, editable=False)
    """Workers that began to try it and did not come back; the one at it now is among them."""
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    """Our own code for why it ended by itself; empty: it did not."""
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_by_name = models.CharField(_("started by"), max_length=255, blank=True)
    created = models.DateTimeField(_("started"), auto_now_add=True)
    updated = models.DateTimeField(_("scored last"), null=True, blank=True)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("shadow trial")
        verbose_name_plural = _("shadow trials")
        default_permissions = ("view",)
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="running"), name="moderation_one_trial"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["running", "ended", "promoted", "dropped"]),
                name="moderation_trial_status",
            ),
            models.CheckConstraint(condition=Q(budget__gt=0, budget__lte=1), name="moderation_trial_budget"),
            models.CheckConstraint(
                condition=Q(draw_rate__gte=0, draw_rate__lte=1), name="moderation_trial_draw_rate"
            ),
        )

    def __str__(self) -> str:
        return str(_("shadow trial %(number)s")) % {"number": self.pk}

    @property
    def is_running(self) -> bool:
        """True while workers score with the candidate, too."""
        return self.status == self.Status.RUNNING


class ShadowDisagreement(models.Model):
    """One comment that one of the two versions flags and the other does not."""

    class FlaggedBy(models.TextChoices):
        """Which of the two flags it."""

        ACTIVE = "active", _("the active version")
        """It stands in the queue in any case."""
        CANDIDATE = "candidate", _("the candidate")
        """It is drawn into the queue, or not."""

    trial = models.ForeignKey(ShadowTrial, models.CASCADE, related_name="disagreements")
    screening = models.ForeignKey(Screening, models.CASCADE, related_name="disagreements")
    flagged_by = models.CharField(_("flagged by"), max_length=12, choices=FlaggedBy)
    labels = models.JSONField(_("labels"), default=list)
    """Labels at or over the threshold of the version that flags it."""
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("disagreement")
        verbose_name_plural = _("disagreements")
        default_permissions = ()
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["trial", "screening"], name="moderation_disagreed_once"),
            models.CheckConstraint(
                condition=Q(flagged_by__in=["active", "candidate"]), name="moderation_flagged_by"
            ),
        )

    def __str__(self) -> str:
        return f"{self.trial_id} {self.screening_id} {self.flagged_by}"
