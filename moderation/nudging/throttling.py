"""How often one session and one address may ask `nudge/`: scopes of REST framework's throttles."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from moderation import throttling
from moderation.throttling import CallerThrottle


class SessionThrottle(CallerThrottle):
    """Counts by session, where the caller has one."""

    scope = "moderation_nudge_session"
    default_rate = "30/min"

    def ident(self, request: Any) -> str | None:
        """Return the session's key; None: there is no session, and nothing is counted."""
        return getattr(getattr(request, "session", None), "session_key", None)


class AddressThrottle(CallerThrottle):
    """Counts by address, also those who are logged in."""

    scope = "moderation_nudge_address"
    default_rate = "120/min"

    def ident(self, request: Any) -> str:
        """Return the address."""
        return throttling.address_of(request)


def seconds_to_wait(request: HttpRequest) -> float | None:
    """Return how long the caller must wait before another request is answered; None: it is answered now."""
    return throttling.seconds_to_wait(request, SessionThrottle(), AddressThrottle())
