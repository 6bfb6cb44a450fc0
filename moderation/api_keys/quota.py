"""Counts the requests of each key, a minute at a time, in Django's default cache."""

from __future__ import annotations

import logging
import time

from django.core.cache import cache

from moderation.api_keys.refusals import QuotaExceeded
from moderation.models import ApiKey

WINDOW_SECONDS = 60

logger = logging.getLogger("moderation.api")


def charge(key: ApiKey, requests: int = 1) -> None:
    """Count `requests` more of this minute. Raises QuotaExceeded where that is more than the key may make.

    Minutes are those of the clock: a key that has used one up waits for the next. Where the cache does not
    answer, the requests go through uncounted, as in `classify/`: what is scored at once stays bounded.
    """
    if key.quota is None or key.is_test:
        return
    now = time.time()
    minute = int(now // WINDOW_SECONDS)
    try:
        count = _add(f"moderation.api_keys.{key.pk}.{minute}", requests)
    except Exception as error:  # each cache backend raises its own types
        logger.warning("Requests of API keys are not counted (%s).", type(error).__name__)
        return
    if count > key.quota:
        raise QuotaExceeded(key.quota, retry_after=int((minute + 1) * WINDOW_SECONDS - now) + 1)


def _add(name: str, requests: int) -> int:
    # Kept for two minutes: the clocks of web servers differ a little.
    if cache.add(name, requests, timeout=2 * WINDOW_SECONDS):
        return requests
    return int(cache.incr(name, requests))
