"""Limits how often one caller may use the API: by a key's quota, or by a rate that a site may set."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from moderation.api.authentication import key_of
from moderation.api_keys.quota import charge
from moderation.api_keys.refusals import QuotaExceeded
from moderation.throttling import CallerThrottle
from moderation.visitors import throttling as visitors


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


class KeylessThrottle(CallerThrottle):
    """Counts a caller without a key; one with a key is counted by its quota instead."""

    def allow_request(self, request: Any, view: Any) -> bool:
        """True where the caller may go on, or has a key."""
        return key_of(request) is not None or super().allow_request(request, view)


class ClassifyThrottle(KeylessThrottle):
    """Of `classify/`."""

    scope = "moderation_classify"
    default_rate = "60/min"


class ReadThrottle(KeylessThrottle):
    """Of what reads rows."""

    scope = "moderation_read"
    default_rate = "300/min"


class ReviewThrottle(KeylessThrottle):
    """Of what a person decides: reviews and policies."""

    scope = "moderation_review"
    default_rate = "120/min"


class ReportThrottle(KeylessThrottle, visitors.ReportThrottle):
    """Of readers' reports, together with those of the page."""


class SecondLookThrottle(KeylessThrottle, visitors.SecondLookThrottle):
    """Of authors' requests for a second look, together with those of the page."""
