"""Records what a second person says of a decided text, without effect on what stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.utils.translation import gettext as _

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import Review, Screening
from moderation.review import rights, second_opinions
from moderation.review.judgements import AS_BEFORE, Choice, judge
from moderation.review.opinions import CURRENT, Shown, opinion_shown
from moderation.review.recording import record
from moderation.review.refusals import (
    BLIND_HAS_NO_OPINION,
    NOBODY_WAITS,
    NOTHING_TO_CORRECT,
    InvalidDecision,
    NoLongerCurrent,
)
from moderation.review.standing import ground_truth


def give_second_opinion(
    screening_id: int,
    *,
    reviewer: AbstractBaseUser,
    kind: str,
    labels: Mapping[str, bool] | None = None,
    label: str = "",
    reason: str = "",
    note: str = "",
    shown: int | None = None,
    touched: Collection[str] | None = None,
) -> Review:
    """Record a second opinion on a decided screening; returns its row. Nothing else changes.

    kind, labels, label, reason, touched: as `decide` takes them. shown: id of the scoring that the person
    saw, or None: the text was shown blind, and then it can't be upheld.

    Raises InvalidDecision where nobody has decided, where the reviewer has decided or given an opinion
    before, or where the choice does not fit; NoLongerCurrent where the text was blanked; OpinionIsGone;
    Screening.DoesNotExist, also where VISIBLE_SCREENINGS keeps it from the reviewer.
    """
    choice, actor = Choice(kind, labels, label, reason, touched), Actor.of(reviewer)
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = rights.locked(reviewer, screening_id)
        if screening.blanked:
            raise NoLongerCurrent(_("Its text was blanked, so there is nothing to judge."))
        if ground_truth(screening) is None:
            raise InvalidDecision(_("Nobody has decided on it yet, so there is no second opinion to give."))
        if not may_give_second_opinion(reviewer, screening):
            raise InvalidDecision(_("A second opinion is somebody else's, and each person's only once."))
        opinion = opinion_shown(screening, shown)
        if choice.kind == Review.Decision.UPHOLD and opinion is None:
            raise InvalidDecision(BLIND_HAS_NO_OPINION)
        judgement = judge(screening, opinion, choice)
        row = record(Review.Kind.SECOND_OPINION, screening, opinion, judgement, actor, note)
        after = {"decision": row.decision, "outcome": row.outcome, "review": row.number}
        audit.record(Action.REVIEW_SECOND_OPINION, actor, screening, before={}, after=after)
        second_opinions.note_answer(screening)
    return row


def give_dealt(screening_id: int, *, shown: Shown, seen_number: int, kind: str, **said: Any) -> Review:
    """Record what somebody decides of an item dealt to them, which looks open and blind; returns its row.

    shown, seen_number, kind, said: as `decide` takes them. What names scores or a decision is not about the
    item as it was shown; it is refused in the words that an open item has for it, which tell of no decision.

    Raises InvalidDecision for that, and what `give_second_opinion` raises.
    """
    if seen_number:
        raise InvalidDecision(NOTHING_TO_CORRECT)
    if shown not in (None, CURRENT):
        raise InvalidDecision(BLIND_HAS_NO_OPINION)
    if kind == AS_BEFORE:
        raise InvalidDecision(NOBODY_WAITS)
    return give_second_opinion(screening_id, kind=kind, **said)


def may_give_second_opinion(user: AbstractBaseUser, screening: Screening) -> bool:
    """True where the user has neither decided on this screening nor said anything else of it."""
    return not Review.objects.filter(screening=screening, reviewer=user.pk).exists()
