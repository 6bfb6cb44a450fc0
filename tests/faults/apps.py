"""A site that listens to moderation's signals: it notes who told it of what, and fails at some texts."""

from __future__ import annotations

import logging
import os
from typing import Any

from django.apps import AppConfig

logger = logging.getLogger("site")

UNBEARABLE = "unbearable"
"""A text with this word is more than the site's receiver can take."""


class ReceivingSite(AppConfig):
    """Only in the workers' settings."""

    name = "tests.faults"
    label = "receiving_site"

    def ready(self) -> None:
        from moderation.signals import screening_scored

        screening_scored.connect(fail_at_some)
        screening_scored.connect(note_who_scored)


def note_who_scored(screening: Any, **_: Any) -> None:
    """One line for each text that got its verdict."""
    logger.info("Told of screening %s by process %s.", screening.pk, os.getpid())


def fail_at_some(screening: Any, **_: Any) -> None:
    """As a site's own code does."""
    if UNBEARABLE in screening.text:
        raise RuntimeError(screening.text)
