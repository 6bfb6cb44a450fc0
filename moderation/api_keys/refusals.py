"""Says why a key does not open what its bearer asks for."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a key was refused; each endpoint words its own answer."""

    MISSING = "missing"
    """The request has no key."""
    UNKNOWN = "unknown"
    """No such key was ever made, or the test key is off."""
    REVOKED = "revoked"
    EXPIRED = "expired"
    SCOPE = "scope"
    """The key is valid, and not for this."""
    ORIGIN = "origin"
    """The key is for pages of other origins."""
    QUOTA = "quota"
    """The key's requests of this minute are used up."""


SENTENCES = {
    Reason.MISSING: "The request has no API key.",
    Reason.UNKNOWN: "The API key is not valid.",
    Reason.REVOKED: "The API key was revoked.",
    Reason.EXPIRED: "The API key has expired.",
    Reason.SCOPE: "The API key is not for this.",
    Reason.ORIGIN: "The API key is not for requests from this origin.",
    Reason.QUOTA: "The API key's requests of this minute are used up.",
}


class KeyRefused(Exception):
    """Raised where a key is refused; `reason` says why. The message names no key."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


class QuotaExceeded(KeyRefused):
    """Raised where a key has used up the `quota` of a minute; the next begins in `retry_after` seconds."""

    def __init__(self, quota: int, retry_after: int) -> None:
        super().__init__(Reason.QUOTA)
        self.quota = quota
        self.retry_after = retry_after
