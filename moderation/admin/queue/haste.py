"""Tells a decision that follows its page so fast that nobody can have read the item: a slow double click."""

from __future__ import annotations

import time

from django.core import signing
from django.http import HttpRequest

FIELD = "rendered"
LEAST_SECONDS = 0.5
"""Between the rendering of a page and a decision on it."""
_SIGNER_SALT = "moderation.admin.queue.haste"


def mark() -> str:
    """Return what a form carries to say when its page was rendered: seconds since 1970, signed."""
    return signing.Signer(salt=_SIGNER_SALT).sign(f"{time.time():.3f}")


def is_hasty(request: HttpRequest) -> bool:
    """True where the form was rendered less than LEAST_SECONDS ago.

    False for a form without a mark, and for one from a server whose clock is ahead of ours.
    """
    try:
        rendered = float(signing.Signer(salt=_SIGNER_SALT).unsign(request.POST.get(FIELD, "")))
    except (signing.BadSignature, ValueError):
        return False
    return 0 <= time.time() - rendered < LEAST_SECONDS
