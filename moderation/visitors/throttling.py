"""How often one user or one address may send a form: scopes of REST framework's throttles."""

from __future__ import annotations

import logging
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

logger = logging.getLogger("moderation.visitors")


class VisitorThrottle(SimpleRateThrottle):
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
            logger.warning("Requests of %s are not counted (%s).", self.scope, type(error).__name__)
            return True

    def get_cache_key(self, request: Any, view: Any) -> str:
        """The key of the counts: of the user, or of the address where nobody is logged in."""
        who = visitor_of(request)
        ident = who if isinstance(who, str) else f"user:{who.pk}"
        return str(self.cache_format % {"scope": self.scope, "ident": ident})


class ReportThrottle(VisitorThrottle):
    """Of readers' reports."""

    scope = "moderation_report"
    default_rate = "20/hour"


class SecondLookThrottle(VisitorThrottle):
    """Of authors' requests for a second look."""

    scope = "moderation_second_look"
    default_rate = "10/hour"


def visitor_of(request: HttpRequest) -> AbstractBaseUser | str:
    """Return the user who is logged in, or the address, behind NUM_PROXIES proxies as REST framework has it.

    Of IPv6 the network of one household, /64: there one person has more addresses than can be counted.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return user  # type: ignore[no-any-return]
    ident = str(BaseThrottle().get_ident(request) or "")  # type: ignore[arg-type]  # a plain one will do
    try:
        address = ip_address(ident)
    except ValueError:
        return ident
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return ident


def seconds_to_wait(request: HttpRequest, throttle: VisitorThrottle) -> float | None:
    """Return how long the visitor must wait before another form is taken; None: it is taken now."""
    return None if throttle.allow_request(request, None) else throttle.wait() or 1.0
