"""How often one session and one address may ask `nudge/`: scopes of REST framework's throttles."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

logger = logging.getLogger("moderation.nudging")


class _Throttle(SimpleRateThrottle):
    """Counts in Django's default cache, and lets everybody through where that does not answer."""

    scope: str = ""
    default_rate = ""

    def get_rate(self) -> str | None:
        """The site's rate for the scope, read anew each time; None switches the throttle off."""
        rate: Any = (api_settings.DEFAULT_THROTTLE_RATES or {}).get(self.scope, self.default_rate)
        return None if rate is None else str(rate)

    def allow_request(self, request: Any, view: Any) -> bool:
        """True: the caller may go on."""
        try:
            return bool(super().allow_request(request, view))
        except Exception as error:  # each cache backend raises its own types
            logger.warning("Requests to nudge/ are not counted (%s).", type(error).__name__)
            return True


class SessionThrottle(_Throttle):
    """Counts by session, where the caller has one."""

    scope = "moderation_nudge_session"
    default_rate = "30/min"

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """The key of the counts, or None where nothing is counted."""
        key = getattr(getattr(request, "session", None), "session_key", None)
        return None if key is None else str(self.cache_format % {"scope": self.scope, "ident": key})


class AddressThrottle(_Throttle):
    """Counts by address, behind NUM_PROXIES proxies as REST framework has it."""

    scope = "moderation_nudge_address"
    default_rate = "120/min"

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """The key of the counts."""
        return str(self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)})


def seconds_to_wait(request: HttpRequest) -> float | None:
    """How long the caller must wait before another request is answered; None: it is answered now."""
    for throttle in (SessionThrottle(), AddressThrottle()):
        if not throttle.allow_request(request, None):
            return throttle.wait() or 1.0
    return None
