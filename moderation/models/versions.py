"""Which models there are and how they came to be: ModelVersion, TrainingRun."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager


class ModelVersion(models.Model):
    """A published model version; only `is_active` and `activated` ever change."""

    class Origin(models.TextChoices):
        """How a version came to the site."""

        PACKAGED = "packaged", _("packaged")
        """It came with the package `toxicity_ml`."""
        RETRAINED = "retrained", _("retrained")
        """`retrain` made it from decisions."""
        PUBLISHED = "published", _("published")
        """Somebody brought a directory that `python -m toxicity_ml` had made."""
        IMPORTED = "imported", _("imported")
        """Somebody brought a checkpoint of another library."""

    name = models.CharField(_("name"), max_length=100)
    version = models.CharField(_("version"), max_length=100)
    location = models.CharField(_("location"), max_length=255, blank=True)
    """Where its files lie in the artifact storage; empty: packaged with toxicity_ml."""
    manifest_sha256 = models.CharField(_("manifest sha256"), max_length=64)
    """Of manifest.json, which holds the sha256 of every other file: the root of trust."""
    manifest = models.JSONField(_("manifest"), default=dict)
    labels = models.JSONField(_("labels"), default=list)
    """The version's labels, in its order."""
    thresholds = models.JSONField(_("thresholds"), default=dict)
    """{label: p}: the score from which a label counts, where no policy says otherwise."""
    metrics = models.JSONField(_("metrics"), default=dict, blank=True)
    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name=_("trained from"),
    )
    """The version it was trained from."""
    origin = models.CharField(
        _("origin"), max_length=12, choices=Origin, blank=True, default="", db_default=""
    )
    """Empty: an earlier release registered it; `came_from` tells it from the other columns."""
    note = models.TextField(_("note"), blank=True, default="", db_default="")
    """Why it was made, in the words of the person who published it."""
    data_fingerprint = models.CharField(
        _("data fingerprint"), max_length=64, blank=True, default="", db_default=""
    )
    """sha256 over what it was trained on: two versions with the same one learned the same rows."""
    is_active = models.BooleanField(_("is active"), default=False)
    activated = models.DateTimeField(_("activated"), null=True, blank=True)
    """When it last became active."""
    created = models.DateTimeField(_("created"), auto_now_add=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        default_permissions = ("view",)
        permissions = (("manage_versions", "Can train, activate and remove model versions"),)
        base_manager_name = "objects"
        constraints = (
            models.UniqueConstraint(fields=["name", "version"], name="moderation_version_unique"),
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="moderation_one_active"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def came_from(self) -> Origin:
        """Return the origin, also of a version that an earlier release registered without it."""
        if self.origin:
            return self.Origin(self.origin)
        if not self.location:
            return self.Origin.PACKAGED
        return self.Origin.RETRAINED if self.parent_id else self.Origin.PUBLISHED


class TrainingRun(models.Model):
    """One attempt to train a better version from reviews."""

    class Status(models.TextChoices):
        """How far it is."""

        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    class Result(models.TextChoices):
        """What the gate said of the candidate."""

        BETTER = "better", _("better")
        NOT_BETTER = "not_better", _("not better")
        NOT_ENOUGH_EVIDENCE = "not_enough_evidence", _("not enough evidence")

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.QUEUED)
    parent = models.ForeignKey(
        ModelVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs_from_here",
        verbose_name=_("trained from"),
    )
    """The version it started from."""
    candidate = models.ForeignKey(
        ModelVersion,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        verbose_name=_("candidate"),
    )
    """The version it produced."""
    result = models.CharField(_("result"), max_length=24, choices=Result, blank=True)
    options = models.JSONField(_("options"), default=dict, blank=True)
    """What was asked for."""
    counts = models.JSONField(_("counts"), default=dict, blank=True)
    """How many texts and reviews were on which side."""
    comparison = models.JSONField(_("comparison"), default=dict, blank=True)
    """Old against new on the test side, as the gate saw it."""
    progress = models.JSONField(_("progress"), null=True, blank=True)
    """{"stage", "step", "steps", "seconds_left"} of what it is doing, and what a resumed run goes on from."""
    updated = models.DateTimeField(_("updated"), null=True, blank=True)
    """When `progress` was last written."""
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    started_by_name = models.CharField(_("started by"), max_length=255, blank=True)
    created = models.DateTimeField(_("created"), auto_now_add=True)
    started = models.DateTimeField(_("started"), null=True, blank=True)
    finished = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "done", "failed"]), name="moderation_run_status"
            ),
            models.CheckConstraint(
                condition=Q(result__in=["", "better", "not_better", "not_enough_evidence"]),
                name="moderation_run_result",
            ),
        )

    def __str__(self) -> str:
        return str(_("training run %(number)s")) % {"number": self.pk}


class PerspectiveScaleQuerySet(models.QuerySet["PerspectiveScale"]):
    """The scales that a site has fitted."""

    def newest(self, version: ModelVersion) -> PerspectiveScale | None:
        """Return the row in force for a version, or None where the site has fitted none."""
        return self.filter(model_version=version).order_by("-id").first()

    def newest_key(self, version: ModelVersion) -> tuple[int, datetime] | None:
        """Return key and time of that row, or None."""
        rows = self.filter(model_version=version).order_by("-id")
        return rows.values_list("pk", "created").first()


class PerspectiveScale(models.Model):
    """Maps of a version's scores onto Perspective's scale, fitted to scores that a site had logged.

    The newest row of a version is in force; one without maps puts the version's own back in force.
    """

    model_version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="perspective_scales")
    maps = models.JSONField(_("maps"), default=dict)
    """{label: [[score, Perspective's score], ...]}, both rising."""
    comments = models.PositiveIntegerField(_("comments"), default=0)
    """How many logged comments they were fitted to."""
    created = models.DateTimeField(_("created"), auto_now_add=True)
    created_by_name = models.CharField(_("created by"), max_length=255, blank=True)

    objects = PrimaryManager.from_queryset(PerspectiveScaleQuerySet)()

    class Meta:
        verbose_name = _("Perspective scale")
        verbose_name_plural = _("Perspective scales")
        default_permissions = ()
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"Perspective scale {self.pk} of {self.model_version_id}"
