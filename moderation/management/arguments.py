"""Parses the commands' arguments; each function raises ArgumentTypeError, which argparse prints."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from moderation import registry
from moderation.registry import Registered


def moment(given: str) -> datetime:
    """Parse a date or a date and time; in the site's time zone, where it names none."""
    try:
        day = parse_date(given)
        parsed = datetime(day.year, day.month, day.day) if day else parse_datetime(given)
    except ValueError:
        parsed = None
    if parsed is None:
        raise ArgumentTypeError("must be a date such as 2026-01-31, or a date and time")
    if not settings.USE_TZ:
        return timezone.make_naive(parsed) if timezone.is_aware(parsed) else parsed
    return timezone.make_aware(parsed) if timezone.is_naive(parsed) else parsed


def registered(given: str) -> Registered:
    """Return a registered model by its label, in upper or lower case."""
    by_label = {entry.label.lower(): entry for entry in registry.registered()}
    if given.lower() not in by_label:
        labels = ", ".join(entry.label for entry in by_label.values()) or "none"
        raise ArgumentTypeError(f"{given} is not moderated; registered: {labels}")
    return by_label[given.lower()]


def count(given: str) -> int:
    """Parse a whole number from 1."""
    if not given.isdecimal() or int(given) < 1:
        raise ArgumentTypeError("must be a number from 1")
    return int(given)


def positive(given: str) -> float:
    """Parse a number over 0."""
    if not 0 < (value := float(given)) < math.inf:
        raise ArgumentTypeError("must be over 0")
    return value


def share(given: str) -> float:
    """Parse a number over 0 and at most 1."""
    if not 0 < (value := float(given)) <= 1:
        raise ArgumentTypeError("must be over 0 and at most 1")
    return value
