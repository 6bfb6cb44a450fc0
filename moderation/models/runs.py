"""Long walks over many texts, and how far each has come: ScreeningRun."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager
from moderation.models.versions import ModelVersion


class ScreeningRun(models.Model):
    """One walk over many texts, in the order of their keys; killed at any point, it goes on where it was."""

    class Kind(models.TextChoices):
        """What is done to each text."""

        RESCREEN = "rescreen", _("rescreen")
        """Screenings that have a verdict are scored by another model version."""
        EXISTING = "existing", _("existing")
        """Objects that were there before moderation are screened for the first time."""

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    model_version = models.ForeignKey(
        ModelVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("model version"),
    )
    """Whose opinion is asked; null: whichever version is active."""
    model_label = models.CharField(_("model"), max_length=200, blank=True)
    """Only texts of this registered model; empty: all."""
    since = models.DateTimeField(_("since"), null=True, blank=True)
    """Only what was first screened at this time or later."""

    position = models.CharField(_("position"), max_length=255, blank=True)
    """Everything up to this key (a screening's id, or the object's primary key) is done; stored together
    with the results, so that neither is ever ahead of the other."""
    last = models.CharField(_("last"), max_length=255, blank=True)
    """It ends at this key: what came later was screened when it came."""
    total = models.BigIntegerField(_("total"), default=0)
    """Keys to go through, as counted at the start; for the estimate only."""
    passed = models.BigIntegerField(_("passed"), default=0)
    """Keys gone through."""
    scored = models.BigIntegerField(_("scored"), default=0)
    """Texts that got scores in this run."""
    failures = models.JSONField(_("failures"), default=dict, blank=True)
    """{our own error code: how many texts}."""
    changes = models.JSONField(_("changes"), default=dict, blank=True)
    """{"verdict so far -> verdict now": how many}, of what no person has decided about."""

    started_by_name = models.CharField(_("started by"), max_length=255, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    updated = models.DateTimeField(_("updated"), auto_now=True)
    """When it last got on."""
    finished = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("screening run")
        verbose_name_plural = _("screening runs")
        default_permissions = ("view",)
        base_manager_name = "objects"
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=["rescreen", "existing"]), name="moderation_screening_run_kind"
            ),
        )

    def __str__(self) -> str:
        return str(_("screening run %(number)s")) % {"number": self.pk}
