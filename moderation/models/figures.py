"""Figures that workers make now and then, so that a page need not: StoredFigures."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from moderation.models.primary import PrimaryManager


class StoredFigures(models.Model):
    """What was counted under one name, such as a day's arrivals, or the estimates."""

    name = models.CharField(max_length=64, primary_key=True)
    """`day:2026-11-28`, or `estimates`."""
    made = models.DateTimeField(_("made"))
    data = models.JSONField(_("data"), default=dict)
    """Never comment text."""

    ESTIMATES = "estimates"
    """The name of the estimates."""
    DAY = "day:"
    """What the names of days begin with; the date follows, as 2026-11-28."""

    objects = PrimaryManager()

    class Meta:
        # What the admin's index names after it is the page that shows them.
        verbose_name = _("dashboard")
        verbose_name_plural = _("dashboard")
        default_permissions = ()
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name

    @classmethod
    def put(cls, name: str, data: dict[str, Any], made: Any) -> None:
        """Store `data` under the name, in place of what stood there."""
        cls.objects.update_or_create(name=name, defaults={"data": data, "made": made})
