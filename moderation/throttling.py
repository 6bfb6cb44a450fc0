"""Limits how often one caller may ask: the class of all our throttles, and who the caller is to them.

The throttles themselves stand where they are used; each is a scope of REST framework's rates.
"""

from __future__ import annotations

import logging
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

__all__ = ["CallerThrottle", "address_of", "caller_of", "seconds_to_wait"]

logger = logging.getLogger("moderation.throttling")


class CallerThrottle(SimpleRateThrottle):
    """Counts by user, or by address where nobody is logged in, in Django's default cache.

    Throttles of one scope share their counts, wherever they stand. Where the cache does not answer, everybody
    is let through: what is done at once stays bounded elsewhere, and better uncounted than shut.
    """

    scope: str = ""
    default_rate = ""
    """Where the site's DEFAULT_THROTTLE_RATES names none for `scope`; None there switches it off."""

    def get_rate(self) -> str | None:
        """Return the site's rate for the scope, read anew each time; None switches the throttle off."""
        rate: Any = (api_settings.DEFAULT_THROTTLE_RATES or {}).get(self.scope, self.default_rate)
        return None if rate is None else str(rate)

    def allow_request(self, request: Any, view: Any) -> bool:
        """True where the caller may go on; also where the cache does not answer."""
        try:
            return bool(super().allow_request(request, view))
        except Exception as error:  # each cache backend raises its own types
            logger.warning("Requests of %s are not counted (%s).", self.scope, type(error).__name__)
            return True

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """Return the key of the counts, or None where nothing is counted."""
        who = self.ident(request)
        return None if who is None else str(self.cache_format % {"scope": self.scope, "ident": who})

    def ident(self, request: Any) -> str | None:
        """Return what tells this caller from others: the user, or the address where nobody is logged in."""
        who = caller_of(request)
        return who if isinstance(who, str) else f"user:{who.pk}"


def caller_of(request: HttpRequest) -> AbstractBaseUser | str:
    """Return the user who is logged in, or the address as `address_of` gives it."""
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return user  # type: ignore[no-any-return]
    return address_of(request)


def address_of(request: HttpRequest) -> str:
    """Return the caller's address, behind NUM_PROXIES proxies as REST framework has it.

    Of IPv6 the network of one household, /64: there one person has more addresses than can be counted.
    """
    ident = str(BaseThrottle().get_ident(request) or "")  # type: ignore[arg-type]  # a plain one will do
    try:
        address = ip_address(ident)
    except ValueError:
        return ident
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return ident


def seconds_to_wait(request: HttpRequest, *throttles: CallerThrottle) -> float | None:
    """Return how long the caller must wait before the next request is taken; None: it is taken now."""
    for throttle in throttles:
        if not throttle.allow_request(request, None):
            return throttle.wait() or 1.0
    return None
