"""Records what a person decides about a screening: the review, the visibility, the audit entry."""

from collections.abc import Mapping
from functools import partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Max
from django.utils import timezone

from moderation import audit, signals
from moderation.audit import Action, Actor
from moderation.models import Review, Screening
from moderation.review import events, rights, second_opinions
from moderation.review.events import Judged
from moderation.review.judgements import check_reason, known, labels_of, outcome_of
from moderation.review.opinions import (
    CURRENT,
    Shown,
    labels_over_threshold,
    labels_to_judge,
    may_uphold,
    opinion_shown,
    scores_in_order,
)
from moderation.review.refusals import (
    AlreadyDecided,
    CannotDecide,
    InvalidDecision,
    NoLongerCurrent,
    OpinionIsGone,
)
from moderation.review.standing import ground_truth, standing_among, standing_decisions
from moderation.texts import storable
from moderation.visibility import hiding

__all__ = [
    "CURRENT",
    "AlreadyDecided",
    "CannotDecide",
    "InvalidDecision",
    "NoLongerCurrent",
    "OpinionIsGone",
    "Shown",
    "decide",
    "ground_truth",
    "labels_over_threshold",
    "labels_to_judge",
    "may_uphold",
    "scores_in_order",
    "standing_among",
    "standing_decisions",
]


def decide(
    screening_id: int,
    *,
    reviewer: AbstractBaseUser,
    kind: str,
    labels: Mapping[str, bool] | None = None,
    reason: str = "",
    note: str = "",
    shown: Shown = CURRENT,
) -> Review:
    """Record a person's decision and make it so, in one transaction.

    kind: ``uphold`` (labels over threshold true, the rest not looked at; hidden), ``false_positive`` (every
    label false; shown), ``relabel`` (as in `labels`, which names each; hidden if any is true, else shown) or
    ``other_reason`` (hidden for `reason`, a code of `moderation.review.reasons`; no label looked at).

    shown: id of the scoring that the person saw, or None where no scores were shown. Upholding agrees with
    that one alone: of labels that were not shown nothing is recorded. Code that judges what there is now
    leaves it out.

    Raises AlreadyDecided, NoLongerCurrent, OpinionIsGone or InvalidDecision, each with nothing changed, and
    Screening.DoesNotExist, also where VISIBLE_SCREENINGS keeps it from the reviewer.
    """
    decision, actor = known(kind), Actor.of(reviewer)
    check_reason(decision, reason)
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = rights.locked(reviewer, screening_id)
        standing = ground_truth(screening)
        if standing is not None:
            raise AlreadyDecided(standing)
        if not screening.is_current:
            raise NoLongerCurrent(
                "The text was edited or deleted meanwhile. The newer one, if any, is in the queue."
            )
        if screening.blanked:
            raise NoLongerCurrent(
                "Its text was blanked when its retention ended, so there is nothing to judge."
            )
        opinion = opinion_shown(screening, shown)
        review = Review.objects.create(
            screening=screening,
            number=_next_number(screening),
            kind=Review.Kind.DECISION,
            decision=decision,
            labels=(true_labels := labels_of(screening, opinion, decision, labels)),
            reason=reason,
            outcome=outcome_of(decision, true_labels),
            model_version_id=opinion.model_version_id if opinion else None,
            reviewer=actor.user,
            reviewer_name=actor.name,
            note=storable(note),
            was_released=screening.released,
        )
        _carry_out(screening, review, actor)
        second_opinions.draw(review, screening)
        events.note_decision(review, screening, lambda: _judged(screening))
    transaction.on_commit(
        partial(signals.send, signals.screening_reviewed, screening=screening, review=review),
        using=router.db_for_write(Screening),
        robust=True,
    )
    return review


def _judged(screening: Screening) -> Judged | None:
    """What the verdict rests on, for those who are told of the decision; None where nothing was scored."""
    scoring = screening.basis()
    if scoring is None:
        return None
    return Judged(scores_in_order(scoring), labels_over_threshold(scoring), str(scoring.model_version))


def _next_number(screening: Screening) -> int:
    highest = Review.objects.filter(screening=screening).aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1


def _carry_out(screening: Screening, review: Review, actor: Actor) -> None:
    before = {"outcome": screening.outcome, "hidden_by_us": screening.hidden_by_us}
    screening.outcome = review.outcome
    screening.reviewed = timezone.now()
    screening.released = None
    screening.save(update_fields=["outcome", "reviewed", "released"])
    if review.outcome == Screening.Outcome.HIDE:
        hiding.hide(screening)
    else:
        hiding.show(screening)
    audit.record(
        Action.REVIEW_DECIDED,
        actor,
        screening,
        before=before,
        after={
            "outcome": review.outcome,
            "decision": review.decision,
            "review": review.number,
            **({"reason": review.reason} if review.reason else {}),
        },
    )
