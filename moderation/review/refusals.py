"""Why a decision is refused: each with a sentence for the moderator, and with nothing changed."""

from __future__ import annotations

from datetime import datetime

from moderation.models import Review


class CannotDecide(Exception):
    """The decision was not made, and nothing was changed; the message says why, for the moderator."""


class AlreadyDecided(CannotDecide):
    """Somebody else decided first; their decision stands."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self.who: str = review.reviewer_name
        self.when: datetime = review.created
        self.outcome: str = review.outcome
        super().__init__(f"Already decided by {self.who or 'someone'}: {review.get_decision_display()}.")


class NoLongerCurrent(CannotDecide):
    """The text was edited, deleted or blanked after the moderator saw it."""


class OpinionIsGone(CannotDecide):
    """The scores that the moderator saw were replaced meanwhile, so nobody knows which were agreed with."""


class InvalidDecision(CannotDecide):
    """The decision does not fit the screening: an unknown label, or nothing to uphold."""
