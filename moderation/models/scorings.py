"""What models said of screened texts: Scoring, LabelScore."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.screenings import Screening


class Scoring(models.Model):
    """What one model version said of one screening, and why it was asked."""

    class Purpose(models.TextChoices):
        """Why the model was asked."""

        LIVE = "live", _("live")
        """For the verdict."""
        RESCREEN = "rescreen", _("rescreen")
        """Again, by another version; the verdict rests on it only after `rescreen --act`."""
        SHADOW = "shadow", _("shadow")
        """By a candidate, to compare; never acted upon."""

    screening = models.ForeignKey(Screening, models.CASCADE, related_name="scorings")
    model_version = models.ForeignKey("moderation.ModelVersion", models.PROTECT, related_name="scorings")
    policy = models.ForeignKey(
        "moderation.Policy", models.PROTECT, null=True, blank=True, related_name="scorings"
    )
    """The policy that judged it; null: the thresholds of the setting or of the model version."""
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose, default=Purpose.LIVE)
    is_basis = models.BooleanField(_("is basis"), default=False)
    """The screening's verdict rests on this scoring."""
    scores = models.JSONField(_("scores"))
    """{label: calibrated probability}, every label of the version."""
    thresholds = models.JSONField(_("thresholds"), default=dict)
    """{label: flag threshold in force}, so that what counted then can be read later."""
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("scoring")
        verbose_name_plural = _("scorings")
        default_permissions = ()
        base_manager_name = "objects"
        indexes = (
            models.Index(
                fields=["model_version", "-screening"],
                condition=Q(is_basis=True),
                name="moderation_by_version",
            ),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["screening", "model_version", "purpose"], name="moderation_scored_once"
            ),
            models.UniqueConstraint(
                fields=["screening"], condition=Q(is_basis=True), name="moderation_one_basis"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["live", "rescreen", "shadow"]), name="moderation_scoring_purpose"
            ),
        )

    def __str__(self) -> str:
        return f"{self.screening_id} {self.purpose} {self.model_version_id}"


class LabelScore(models.Model):
    """One label at or over its flag threshold, as a row, so that the queue can filter by label."""

    scoring = models.ForeignKey(Scoring, models.CASCADE, related_name="label_scores")
    label = models.CharField(_("label"), max_length=64)
    score = models.FloatField(_("score"), validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("label score")
        verbose_name_plural = _("label scores")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["scoring", "label"], name="moderation_label_once"),
            models.CheckConstraint(condition=Q(score__gte=0, score__lte=1), name="moderation_score_range"),
        )
        indexes = (models.Index(fields=["label", "score"], name="moderation_by_label"),)

    def __str__(self) -> str:
        return f"{self.label} {self.score:.2f}"
