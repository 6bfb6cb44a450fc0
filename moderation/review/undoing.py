"""Takes a decision back, as a new row: the screening goes back to what it was before."""

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
from moderation.review.refusals import AlreadyDecided, InvalidDecision, NotAllowed, TakenBack
from moderation.review.standing import ground_truth
from moderation.texts import storable

__all__ = ["may_undo", "undo"]


def may_undo(user: Any, review: Review) -> bool:
    """True where the user may take this review back: it is a decision of their own, or they lead."""
    return review.kind == Review.Kind.DECISION and rights.may_correct(user, review)


def undo(review_id: int, *, reviewer: AbstractBaseUser, note: str = "") -> Review:
    """Take back the decision that stands, in one transaction; returns the new row, of the kind *undo*.

    An earlier decision that stands again is carried out. Where there is none, the screening is in the queue
    again if it stood there, and shown or hidden as if nobody had decided.

    Raises NotAllowed, TakenBack (somebody was first), AlreadyDecided (a later decision stands),
    NoLongerCurrent (edited, deleted or blanked since), InvalidDecision (it is no decision), each with nothing
    changed, and Review.DoesNotExist, also where VISIBLE_SCREENINGS keeps its screening from the reviewer.
    """
    actor = Actor.of(reviewer)
    with transaction.atomic(using=router.db_for_write(Screening)):
        decision = Review.objects.get(pk=review_id)
        try:
            screening = rights.locked(reviewer, decision.screening_id)
        except Screening.DoesNotExist as error:
            raise Review.DoesNotExist from error
        _check(screening, decision, reviewer)
        row = Review.objects.create(
            screening=screening,
            number=next_number(screening),
            kind=Review.Kind.UNDO,
            undoes=decision,
            reviewer=actor.user,
            reviewer_name=actor.name,
            note=storable(note),
        )
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
    return row


def _check(screening: Screening, decision: Review, reviewer: AbstractBaseUser) -> None:
    if decision.kind != Review.Kind.DECISION:
        raise InvalidDecision(_("Only a decision can be taken back."))
    if not may_undo(reviewer, decision):
        raise NotAllowed(decision)
    first = Review.objects.filter(undoes=decision).first()
    if first is not None:
        raise TakenBack(first)
    standing = ground_truth(screening)
    if standing is not None and standing != decision:
        raise AlreadyDecided(standing)
    check_current(screening)
