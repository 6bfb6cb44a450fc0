"""Limits how often one caller may use `classify/`: a scope of REST framework's, whose rate a site may set."""

import logging
from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

SCOPE = "moderation_classify"
"""The key of DEFAULT_THROTTLE_RATES; None as its value switches the throttle off."""
DEFAULT_RATE = "60/min"

logger = logging.getLogger("moderation.api")


class ClassifyThrottle(UserRateThrottle):
    """Counts by user, or by address where nobody is logged in, in Django's default cache."""

    scope = SCOPE

    def get_rate(self) -> str | None:
        """Return the site's rate for the scope, read anew each time."""
        rate: Any = (api_settings.DEFAULT_THROTTLE_RATES or {}).get(SCOPE, DEFAULT_RATE)
        return None if rate is None else str(rate)

    def allow_request(self, request: Request, view: Any) -> bool:
        """True where the caller may go on; also where the cache does not answer."""
        try:
            return bool(super().allow_request(request, view))
        except Exception as error:  # each cache backend raises its own types
            # `admission` still bounds what is scored at once, so a cache that is away need not shut the API.
            logger.warning("Requests to classify/ are not counted (%s).", type(error).__name__)
            return True
