"""Signs what is sent: HMAC-SHA256 over timestamp and body, by a secret that the database does not hold."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from moderation.models import Webhook

START = "whsec_"
"""What each secret begins with, so that people and scanners of leaked secrets recognise one."""
SCHEME = "v1"


def renew(webhook: Webhook) -> str:
    """Give the webhook, which is not saved here, another secret, and return it: nobody is shown it again."""
    webhook.salt = secrets.token_hex(32)
    secret = _derived(webhook.salt, settings.SECRET_KEY)
    webhook.secret_sha256 = _sha256(secret)
    return secret


def secret_of(webhook: Webhook) -> str | None:
    """The webhook's secret, or None where the SECRET_KEY that it was derived from is not here."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        secret = _derived(webhook.salt, key)
        if constant_time_compare(_sha256(secret), webhook.secret_sha256):
            return secret
    return None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of the header `X-Moderation-Signature`.

    timestamp: of the header `X-Moderation-Timestamp`, in seconds since 1970. It is signed with the body, so
    that nobody can send an old delivery again as a new one.
    """
    signed = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"{SCHEME}={signed.hexdigest()}"


def _derived(salt: str, key: str | bytes) -> str:
    digest = salted_hmac("moderation.webhooks", salt, secret=key, algorithm="sha256").digest()
    return START + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
