"""The table that the migrations of this app change."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Entry(models.Model):
    """A text with the columns and indexes that its migrations add and drop."""

    text = models.TextField()
    key = models.CharField(max_length=64, blank=True)
    token = models.UUIDField(null=True, blank=True)
    state = models.CharField(max_length=12, blank=True)
    severity = models.FloatField(default=0.0)
    blanked = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64, null=True, blank=True)
    labels = models.TextField(default="", db_default="", blank=True)
    """A JSON list of what `state` says, or nothing."""

    class Meta:
        indexes = (
            models.Index(fields=["state", "id"], condition=Q(blanked=None), name="upgrades_to_blank"),
            models.Index(fields=["-severity", "id", "labels"], condition=~Q(state=""), name="upgrades_open"),
            models.Index(fields=["token"], condition=Q(token__isnull=False), name="upgrades_taken"),
            models.Index(fields=["key"], name="upgrades_key"),
        )

    def __str__(self) -> str:
        return self.text
