"""What a site can listen to.

Sent with `send_robust` after the transaction has committed, at most once: a process that dies in between
sends nothing. Whoever must not miss one reads the rows. The sender is always `Screening`; receivers run in
the worker, or in the request of the moderator.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.dispatch import Signal

if TYPE_CHECKING:
    from moderation.models import Screening

logger = logging.getLogger("moderation.signals")

screening_scored = Signal()
"""A text got its verdict. Argument: screening."""
screening_held = Signal()
"""The verdict was `held`. Argument: screening."""
screening_reviewed = Signal()
"""A person decided. Arguments: screening, review."""


def send(signal: Signal, screening: Screening, **arguments: Any) -> None:
    """Send `signal` to the site; what a receiver raises is logged, without its message."""
    for receiver, answer in signal.send_robust(sender=type(screening), screening=screening, **arguments):
        if isinstance(answer, Exception):
            logger.error(
                "The receiver %s of a moderation signal raised %s about screening %s.",
                getattr(receiver, "__qualname__", type(receiver).__qualname__),
                type(answer).__name__,
                screening.pk,
            )
