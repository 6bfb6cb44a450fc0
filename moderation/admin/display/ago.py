"""Says how long ago something was, in the form that a language has after "ago" and "for"."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import npgettext_lazy, pgettext

AGO: dict[str, Any] = {
    "year": npgettext_lazy("ago", "%(num)d year", "%(num)d years", "num"),
    "month": npgettext_lazy("ago", "%(num)d month", "%(num)d months", "num"),
    "week": npgettext_lazy("ago", "%(num)d week", "%(num)d weeks", "num"),
    "day": npgettext_lazy("ago", "%(num)d day", "%(num)d days", "num"),
    "hour": npgettext_lazy("ago", "%(num)d hour", "%(num)d hours", "num"),
    "minute": npgettext_lazy("ago", "%(num)d minute", "%(num)d minutes", "num"),
}
"""As of Django's `timesince`: "vor 3 Tagen" is not what "3 Tage" makes."""


def time_since(when: datetime) -> str:
    """Return the time since `when` in words, to stand within a sentence with "ago" or "for"."""
    if timezone.now() - when < timedelta(minutes=1):
        return pgettext("ago", "less than a minute")
    return timesince(when, time_strings=AGO)
