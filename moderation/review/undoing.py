"""Takes a decision back, as a new row: the screening goes back to what it was before. And second opinions."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.utils.translation import gettext as _

from moderation import audit, signals
from moderation.audit import Action, Actor
from moderation.models import Review, Screening
from moderation.review import events, rights, second_opinions, settling
from moderation.review.carrying_out import check_current, next_number, state, take_back
from moderation.review.refusals import AlreadyDecided, InvalidDecision, NotAllowed, OthersOpinion, TakenBack
from moderation.review.standing import ground_truth
from moderation.texts import storable

__all__ = ["may_undo", "undo"]


def may_undo(user: Any, review: Review) -> bool:
    """True where the user may take this review back: a decision or a second opinion of their own.

    Who leads may take back everybody's decisions; what somebody thought, nobody takes back but they.
    """
    if review.kind == Review.Kind.SECOND_OPINION:
        return rights.is_own(user, review)
    return review.kind == Review.Kind.DECISION and rights.may_correct(user, review)


def undo(review_id: int, *, reviewer: AbstractBaseUser, note: str = "") -> Review:
    """Take back the decision that stands, or a second opinion; returns the new row, of the kind *undo*.

    An earlier decision that stands again is carried out. Where there is none, the screening is in the queue
    again if it stood there, and shown or hidden as if nobody had decided. A second opinion had no effect:
    without it the figures are as if it had not been given, and another moderator is asked in its place.

    All in one transaction. Raises NotAllowed, TakenBack (somebody was first), AlreadyDecided (a later
    decision stands), NoLongerCurrent (edited, deleted or blanked since), InvalidDecision (it is neither of
    the two), each with nothing changed, and Review.DoesNotExist, also where VISIBLE_SCREENINGS keeps its
    screening from the reviewer.
    """
    actor = Actor.of(reviewer)
    with transaction.atomic(using=router.db_for_write(Screening)):
        review = Review.objects.get(pk=review_id)
        try:
            screening = rights.locked(reviewer, review.screening_id)
        except Screening.DoesNotExist as error:
            raise Review.DoesNotExist from error
        _check(screening, review, reviewer)
        row = _record(screening, review, actor, note)
        if review.kind == Review.Kind.SECOND_OPINION:
            _forget_opinion(screening, review, row, actor)
        else:
            _reverse(screening, review, row, actor)
    return row


def _record(screening: Screening, review: Review, actor: Actor, note: str) -> Review:
    return Review.objects.create(
        screening=screening,
        number=next_number(screening),
        kind=Review.Kind.UNDO,
        undoes=review,
        reviewer=actor.user,
        reviewer_name=actor.name,
        note=storable(note),
    )


def _reverse(screening: Screening, decision: Review, row: Review, actor: Actor) -> None:
    """Put the screening back to what it was before the decision, and tell of it."""
    before, standing = state(screening), ground_truth(screening)
    take_back(screening, decision, standing)
    settling.reopen(screening, decision)
    settling.answer_by_undo(screening, row)
    second_opinions.withdraw(screening)
    audit.record(
        Action.REVIEW_UNDONE,
        actor,
        screening,
        before={**before, "decision": decision.decision, "review": decision.number},
        after={"outcome": screening.outcome, "review": row.number},
    )
    events.note_undo(row, screening, standing)
    transaction.on_commit(
        partial(signals.send, signals.screening_undone, screening=screening, review=row),
        using=router.db_for_write(Screening),
        robust=True,
    )


def _forget_opinion(screening: Screening, opinion: Review, row: Review, actor: Actor) -> None:
    """Ask for another second opinion in place of one that was taken back."""
    second_opinions.ask_again(screening)
    audit.record(
        Action.REVIEW_OPINION_TAKEN_BACK,
        actor,
        screening,
        before={"decision": opinion.decision, "outcome": opinion.outcome, "review": opinion.number},
        after={"review": row.number},
    )


def _check(screening: Screening, review: Review, reviewer: AbstractBaseUser) -> None:
    if review.kind not in (Review.Kind.DECISION, Review.Kind.SECOND_OPINION):
        raise InvalidDecision(_("Only a decision or a second opinion can be taken back."))
    if not may_undo(reviewer, review):
        raise OthersOpinion(review) if review.kind == Review.Kind.SECOND_OPINION else NotAllowed(review)
    first = Review.objects.filter(undoes=review).first()
    if first is not None:
        raise TakenBack(first)
    standing = ground_truth(screening)
    if review.kind == Review.Kind.DECISION and standing is not None and standing != review:
        raise AlreadyDecided(standing)
    check_current(screening)
