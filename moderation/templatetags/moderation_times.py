"""Filters for times in the admin's pages: `{% load moderation_times %}`."""

from __future__ import annotations

from datetime import datetime

from django import template

from moderation.admin.display.ago import time_since

register = template.Library()


@register.filter
def ago(when: datetime | None) -> str:
    """Return the time since `when` in words, as it stands with "ago" and "for"; nothing without a time."""
    return time_since(when) if when else ""
