"""Records what a person decides about a screening: the review, the visibility, the audit entry."""

from collections.abc import Collection, Mapping
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction

from moderation import audit, signals
from moderation.audit import Action, Actor
from moderation.models import Review, Screening
from moderation.review import blind, events, rights, second_opinions, settling
from moderation.review.carrying_out import carry_out, check_current, state
from moderation.review.judgements import AS_BEFORE as AS_BEFORE
from moderation.review.judgements import Choice, Judgement, judge
from moderation.review.opinions import CURRENT as CURRENT
from moderation.review.opinions import Shown as Shown
from moderation.review.opinions import labels_over_threshold as labels_over_threshold
from moderation.review.opinions import labels_to_judge as labels_to_judge
from moderation.review.opinions import may_uphold as may_uphold
from moderation.review.opinions import opinion_shown
from moderation.review.opinions import scores_in_order as scores_in_order
from moderation.review.opinions import scorings_to_tell as scorings_to_tell
from moderation.review.overruling import follows_the_site
from moderation.review.recording import record
from moderation.review.refusals import (
    BLIND_HAS_NO_OPINION,
    NOBODY_WAITS,
    NOTHING_TO_CORRECT,
    AlreadyDecided,
    CannotDecide,
    InvalidDecision,
    NoLongerCurrent,
    NotAllowed,
    OpinionIsGone,
    OwnDecision,
    TakenBack,
)
from moderation.review.standing import ground_truth as ground_truth
from moderation.review.standing import last_undo
from moderation.review.standing import standing_among as standing_among
from moderation.review.standing import standing_decisions as standing_decisions
from moderation.review.undoing import may_undo as may_undo
from moderation.review.undoing import undo as undo

__all__ = [
    "AlreadyDecided",
    "CannotDecide",
    "InvalidDecision",
    "NoLongerCurrent",
    "NotAllowed",
    "OpinionIsGone",
    "OwnDecision",
    "TakenBack",
    "decide",
]


def decide(
    screening_id: int,
    *,
    reviewer: AbstractBaseUser,
    kind: str,
    labels: Mapping[str, bool] | None = None,
    label: str = "",
    reason: str = "",
    note: str = "",
    shown: Shown = CURRENT,
    seen_number: int = 0,
    by_hand: bool = False,
    is_picked: bool = False,
    touched: Collection[str] | None = None,
) -> Review:
    """Record a person's decision and make it so, in one transaction.

    kind: ``uphold`` (something is wrong: `label`, where the person picked one, else the labels that are
    plainly over threshold are true, and the rest was not looked at; hidden), ``false_positive`` (every label
    false; shown), ``relabel`` (as in `labels`, which names each; hidden if any is true, else shown) or
    ``other_reason`` (hidden for `reason`, a code of `moderation.review.reasons`; no label looked at).

    shown: id of the scoring that the person saw, or None where no scores were shown. Upholding agrees with
    that one alone: of labels that were not shown nothing is recorded. Code that judges what there is now
    leaves it out.

    seen_number: number of the decision that the person saw standing, 0 for none. What stands is replaced only
    by somebody who saw it, and only by who made it or leads moderation, or by a decision that follows what
    the site has done by its own means since: two decisions never both count in silence. The row's lock makes
    them take turns; the second of two finds another number than it saw.

    A second look that the author has asked for is given by anybody but who had decided, and what readers have
    brought back is decided by anybody; ``as_before`` as the kind says the same again then.

    by_hand: True where the decision comes from a page or over the API, not from code of the site's own: an
    item that is judged blind has no opinion to agree with then.

    is_picked: True where the reviewer came to it by its topic, author, page or the like, and not in the order
    of the queue. The figures of reviews count such an item for itself alone. A correction does not change how
    an item came to be decided.

    touched: with ``relabel``, the labels whose box the person ticked or cleared, where that is known: what
    was left as the form came counts less in training.

    Raises AlreadyDecided, TakenBack, NotAllowed, OwnDecision, NoLongerCurrent, OpinionIsGone or
    InvalidDecision, each with nothing changed, and Screening.DoesNotExist, also where VISIBLE_SCREENINGS
    keeps it from the reviewer.
    """
    choice, actor = Choice(kind, labels, label, reason, touched), Actor.of(reviewer)
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = rights.locked(reviewer, screening_id)
        standing = ground_truth(screening)
        _check_seen(screening, standing, seen_number)
        check_current(screening)
        if by_hand and blind.is_withheld(screening, standing):
            _check_blind(choice, shown)
            shown = None
        opinion = opinion_shown(screening, shown)
        judgement = (
            _as_before(screening, standing) if kind == AS_BEFORE else judge(screening, opinion, choice)
        )
        _check_may_replace(reviewer, screening, standing, judgement)
        came_by_pick = is_picked if standing is None else standing.is_picked
        review = record(
            Review.Kind.DECISION, screening, opinion, judgement, actor, note, is_picked=came_by_pick
        )
        before = state(screening)
        carry_out(screening, review)
        settling.settle(screening, review)
        _note(screening, review, standing, actor, before)
        if standing is None:
            second_opinions.draw(review, screening)
        events.note_decision(review, screening)
    transaction.on_commit(
        partial(signals.send, signals.screening_reviewed, screening=screening, review=review),
        using=router.db_for_write(Screening),
        robust=True,
    )
    return review


def _check_seen(screening: Screening, standing: Review | None, seen_number: int) -> None:
    if standing is None and seen_number:
        undone = last_undo(screening)
        if undone is not None:
            raise TakenBack(undone)
        raise InvalidDecision(NOTHING_TO_CORRECT)
    if standing is not None and standing.number != seen_number:
        raise AlreadyDecided(standing)


def _check_blind(choice: Choice, shown: Shown) -> None:
    """Refuse what tells an audit item from a flagged one before the decision: agreeing, naming a scoring."""
    if choice.kind == Review.Decision.UPHOLD or shown not in (None, CURRENT):
        raise InvalidDecision(BLIND_HAS_NO_OPINION)


def _check_may_replace(
    reviewer: AbstractBaseUser, screening: Screening, standing: Review | None, judgement: Judgement
) -> None:
    """Let a second look be given by anybody but who had decided, and other corrections as always.

    Anybody may decide what readers have brought back, and what the site has done by its own means since.
    """
    look = settling.waiting_second_look(screening)
    if look is not None:
        if look.decision.reviewer_id is not None and look.decision.reviewer_id == reviewer.pk:
            raise OwnDecision(look.decision)
        return
    if standing is None or screening.is_reported_again or rights.may_correct(reviewer, standing):
        return
    if not follows_the_site(screening, standing, judgement.outcome):
        raise NotAllowed(standing)


def _as_before(screening: Screening, standing: Review | None) -> Judgement:
    if standing is None or not (screening.second_look or screening.is_reported_again):
        raise InvalidDecision(NOBODY_WAITS)
    return Judgement(
        Review.Decision(standing.decision),
        dict(standing.labels),
        Screening.Outcome(standing.outcome),
        standing.reason,
        standing.touched,
    )


def _note(
    screening: Screening, review: Review, standing: Review | None, actor: Actor, before: dict[str, object]
) -> None:
    """Write the audit entry: a decision, or the correction of one."""
    action = Action.REVIEW_DECIDED
    if standing is not None:
        action = Action.REVIEW_CORRECTED
        before = {**before, "decision": standing.decision, "review": standing.number}
    after = {"outcome": review.outcome, "decision": review.decision, "review": review.number}
    if review.reason:
        after["reason"] = review.reason
    audit.record(action, actor, screening, before=before, after=after)
