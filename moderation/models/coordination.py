"""What the sweep remembers: who sweeps now, who was there lately, and how far discovery has looked."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager


class Lease(models.Model):
    """A right that one process at a time holds, until a time of the database's clock."""

    name = models.CharField(max_length=100, primary_key=True)
    token = models.UUIDField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=255, null=True, blank=True)
    """The process that took it last, as `processes.here` names it."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Discovery(models.Model):
    """How far the sweep has looked for objects of one registered field that no receiver saw."""

    model_label = models.CharField(max_length=200)
    field = models.CharField(max_length=100)
    start = models.BigIntegerField(default=0)
    """Objects up to this key were there before moderation was; they are screened only when asked for."""
    watermark = models.BigIntegerField(default=0)
    """Every key up to this one has been looked at, by two sweeps."""
    seen = models.BigIntegerField(default=0)
    """Highest key at the last sweep: the next watermark. One sweep of delay, so that a transaction
    which took its key early and commits late is still found."""
    objects_after = models.CharField(max_length=255, blank=True)
    """Where the running search for objects without a screening goes on: a primary key as text."""
    screenings_after = models.BigIntegerField(default=0)
    """Where the running comparison of live texts goes on: a screening's id."""
    compared = models.DateTimeField(null=True, blank=True)
    """When the last full comparison ended."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("discovery")
        verbose_name_plural = _("discoveries")
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=["model_label", "field"], name="moderation_discovery_unique"),
        )

    def __str__(self) -> str:
        return f"{self.model_label}.{self.field}"


class WorkerHeartbeat(models.Model):
    """One process that screens, and when it last said so; read by `moderation_health` and the metrics."""

    name = models.CharField(max_length=255, primary_key=True)
    """As `processes.here` names it."""
    seen = models.DateTimeField()
    """By the database's clock."""
    version = models.CharField(max_length=255, blank=True)
    """The model version it has loaded; empty: none yet."""
    trouble = models.CharField(max_length=64, blank=True)
    """Our code for why it can't score at the moment; empty: it can, or was not asked yet."""

    objects = PrimaryManager()

    class Meta:
        verbose_name = _("worker heartbeat")
        verbose_name_plural = _("worker heartbeats")
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
