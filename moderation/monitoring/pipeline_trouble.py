"""Says to moderators, in one sentence, that new comments are not being scored; the answer is cached."""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.db import DatabaseError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from moderation import broker
from moderation.monitoring import figures

logger = logging.getLogger("moderation.monitoring")

CACHED_SECONDS = 30
PENDING_SECONDS = 300
"""Age of the oldest comment that waits to be scored, from which moderators are told."""
_KEY = "moderation.pipeline_trouble"


def words() -> str:
    """Say that no worker is alive or that comments wait unscored; empty where all is well. Never raises."""
    try:
        facts = cache.get(_KEY)
    except Exception as error:  # the site's cache may be away, and the queue must open
        logger.warning("The cache could not be read (%s).", type(error).__name__)
        facts = None
    if not isinstance(facts, tuple):
        try:
            facts = _facts()
        except DatabaseError:
            return ""
        try:
            cache.set(_KEY, facts, CACHED_SECONDS)
        except Exception as error:  # as above
            logger.warning("The cache could not be written (%s).", type(error).__name__)
    return _in_words(*facts)


def _facts() -> tuple[bool, int, float]:
    """Return whether a worker is missing, how many comments wait, and for how many seconds the oldest."""
    counts, ages = figures.pending_by_priority()
    within = figures.alive_within()
    is_alive = any(worker.age <= within and not worker.is_gone for worker in figures.workers_seen())
    return not is_alive and not broker.is_eager(), counts["normal"], ages["normal"]


def _in_words(is_without_worker: bool, waiting: int, seconds: float) -> str:
    if is_without_worker and waiting:
        text = ngettext(
            "No worker is running: %(count)d comment waits unscored, and new ones do not get here.",
            "No worker is running: %(count)d comments wait unscored, and new ones do not get here.",
            waiting,
        )
        return text % {"count": waiting}
    if is_without_worker:
        return _("No worker is running: new comments are not scored and do not get here.")
    if seconds > PENDING_SECONDS:
        text = ngettext(
            "%(count)d comment waits unscored, for %(minutes)d minutes by now.",
            "%(count)d comments wait unscored, the oldest for %(minutes)d minutes.",
            waiting,
        )
        return text % {"count": waiting, "minutes": int(seconds // 60)}
    return ""
