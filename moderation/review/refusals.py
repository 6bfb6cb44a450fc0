"""Why a decision is refused: each with a sentence for the moderator, and with nothing changed."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.models import Review

BLIND_HAS_NO_OPINION = gettext_lazy(
    "Its scores are not told before the decision: give no `scoring`, and do not uphold."
)
"""Why what is judged blind can't be upheld; the same words for whatever looks alike."""

NOTHING_TO_CORRECT = gettext_lazy("There is no decision on it to correct.")
NOBODY_WAITS = gettext_lazy("Nobody waits for a second look at it.")
"""What is answered where there is none to look at again; the same words of what is decided and looks open."""


class CannotDecide(Exception):
    """The decision was not made, and nothing was changed; the message says why, for the moderator."""


class AlreadyDecided(CannotDecide):
    """Somebody else decided first; their decision stands."""

    def __init__(self, review: Review) -> None:
        self.review = review
        self.who: str = review.reviewer_name
        self.when: datetime = review.created
        self.outcome: str = review.outcome
        super().__init__(
            _("Already decided by %(who)s: %(decision)s.")
            % {"who": self.who or _("someone"), "decision": review.get_decision_display()}
        )


class TakenBack(CannotDecide):
    """The decision that the moderator saw was taken back meanwhile, so it is none to correct or take back."""

    def __init__(self, undo: Review) -> None:
        self.review = undo
        super().__init__(
            _("%(who)s has taken that decision back.") % {"who": undo.reviewer_name or _("Someone")}
        )


class NotAllowed(CannotDecide):
    """Only who decided, and those who lead moderation, may correct the decision or take it back."""

    def __init__(self, review: Review) -> None:
        self.review = review
        super().__init__(
            _("Only %(who)s and those who lead moderation may change this.")
            % {"who": review.reviewer_name or _("who decided")}
        )


class OthersOpinion(NotAllowed):
    """A second opinion is taken back by nobody but the person who gave it."""

    def __init__(self, review: Review) -> None:
        self.review = review
        CannotDecide.__init__(self, _("Nobody takes back what somebody else thought of it."))


class OwnDecision(NotAllowed):
    """The author has asked for a second look, which is for somebody else to give."""

    def __init__(self, review: Review) -> None:
        self.review = review
        CannotDecide.__init__(self, _("The author has asked that somebody else looks at your decision."))


class NoLongerCurrent(CannotDecide):
    """The text was edited, deleted or blanked after the moderator saw it."""


class OpinionIsGone(CannotDecide):
    """The scores that the moderator saw were replaced meanwhile, so nobody knows which were agreed with."""


class InvalidDecision(CannotDecide):
    """The decision does not fit the screening: an unknown label, or nothing to uphold."""
