"""What a site can listen to.

Sent with `send_robust` after the transaction has committed, at most once: a process that dies in between
sends nothing. A receiver that must not miss one reads the rows. The sender is `Screening`, or the type of
what is told of; receivers run in the worker, or in the request of the moderator.
"""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

from moderation import row_errors

__all__ = [
    "author_trust_changed",
    "report_settled",
    "screening_held",
    "screening_reviewed",
    "screening_scored",
    "screening_undone",
    "second_look_asked",
    "second_look_settled",
    "text_reported",
]

logger = logging.getLogger("moderation.signals")


class TextFreeSignal(Signal):
    """A signal that logs what a receiver raises without its message, which may quote the comment."""

    def _log_robust_failure(self, receiver: Any, err: Exception) -> None:
        name = getattr(receiver, "__qualname__", type(receiver).__qualname__)
        logger.error("The receiver %s of a moderation signal raised %s.", name, type(err).__name__)


def send(signal: Signal, *, screening: Any, **arguments: Any) -> None:
    """Send to every receiver; what one raises is logged, with the screening's id, and goes no further.

    `send_robust` lets through what is no `Exception`: the receivers after that one are not called then.
    """
    try:
        signal.send_robust(sender=type(screening), screening=screening, **arguments)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        name = type(error).__name__
        logger.error("A receiver of a moderation signal raised %s for screening %s.", name, screening.pk)


def tell(signal: Signal, **arguments: Any) -> None:
    """Send what concerns no screening to every receiver; the sender is the type of the first argument."""
    about = next(iter(arguments.values()))
    try:
        signal.send_robust(sender=type(about), **arguments)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        logger.error("A receiver of a moderation signal raised %s.", type(error).__name__)


screening_scored = TextFreeSignal()
"""A text got its verdict. Argument: screening."""
screening_held = TextFreeSignal()
"""The verdict was `held`. Argument: screening."""
screening_reviewed = TextFreeSignal()
"""A person decided, or corrected a decision. Arguments: screening, review."""
screening_undone = TextFreeSignal()
"""A person took a decision back. Arguments: screening, as it is now; review, which names in `undoes` the
decision."""
text_reported = TextFreeSignal()
"""A reader reported a text that waits for a person: nobody had decided, or this report brought it back.

Arguments: screening, report.
"""
report_settled = TextFreeSignal()
"""A decision answered a reader's report. Arguments: screening, report; `report.review` is the decision."""
second_look_asked = TextFreeSignal()
"""An author asked for a second look at a decision. Arguments: screening, second_look."""
second_look_settled = TextFreeSignal()
"""Another decision answered that, or the first was undone; `second_look.answer` is that review.

Arguments: screening, second_look.
"""
author_trust_changed = TextFreeSignal()
"""A person decided what becomes of an author's texts. Argument: trust, an AuthorTrust."""
