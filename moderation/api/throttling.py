"""Limits how often one caller may use the API: by a key's quota, or by a rate that a site may set."""

import logging
from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, UserRateThrottle

from moderation.api.authentication import key_of
from moderation.api_keys.quota import charge
from moderation.api_keys.refusals import QuotaExceeded

logger = logging.getLogger("moderation.api")


class KeyQuota(BaseThrottle):
    """Counts each request of a key against the key's quota."""

    def __init__(self) -> None:
        self._retry_after: int | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """True where the key has requests left in this minute, or the caller came without one."""
        key = key_of(request)
        if key is None:
            return True
        try:
            charge(key)
        except QuotaExceeded as exceeded:
            self._retry_after = exceeded.retry_after
            return False
        return True

    def wait(self) -> int | None:
        """Return the seconds until the next minute begins, after a refusal."""
        return self._retry_after


class CallerThrottle(UserRateThrottle):
    """Counts by user, or by address where nobody is logged in, in Django's default cache.

    A caller with a key is counted by its quota instead.
    """

    default_rate: str
    """Where the site's DEFAULT_THROTTLE_RATES names none for `scope`; None there switches it off."""

    def get_rate(self) -> str | None:
        """The site's rate for the scope, read anew each time."""
        rate: Any = (api_settings.DEFAULT_THROTTLE_RATES or {}).get(str(self.scope), self.default_rate)
        return None if rate is None else str(rate)

    def allow_request(self, request: Request, view: Any) -> bool:
        """True where the caller may go on; also where the cache does not answer."""
        if key_of(request) is not None:
            return True
        try:
            return bool(super().allow_request(request, view))
        except Exception as error:  # each cache backend raises its own types
            # What is done at once stays bounded (`admission`, pages): better uncounted than shut.
            logger.warning("Requests of %s are not counted (%s).", self.scope, type(error).__name__)
            return True


class ClassifyThrottle(CallerThrottle):
    """Of `classify/`."""

    scope = "moderation_classify"
    default_rate = "60/min"


class ReadThrottle(CallerThrottle):
    """Of what reads rows."""

    scope = "moderation_read"
    default_rate = "300/min"


class ReviewThrottle(CallerThrottle):
    """Of what a person decides: reviews and policies."""

    scope = "moderation_review"
    default_rate = "120/min"
