"""Records what a person decides about a screening: the review, the visibility, the audit entry."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Final, Literal

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from moderation import audit, signals
from moderation.audit import Action, Actor
from moderation.models import ModelVersion, Review, Scoring, Screening
from moderation.review import events, rights, second_opinions
from moderation.review.events import Judged
from moderation.review.reasons import reasons
from moderation.texts import storable
from moderation.versions import store
from moderation.visibility import hiding

__all__ = [
    "AlreadyDecided",
    "CannotDecide",
    "InvalidDecision",
    "NoLongerCurrent",
    "OpinionIsGone",
    "decide",
]

CURRENT: Final = "current"
"""In place of a scoring's id: the one that the verdict rests on when the decision is made."""
Shown = int | None | Literal["current"]


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
    decision, actor = _known(kind), Actor.of(reviewer)
    _check_reason(decision, reason)
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
        opinion = _opinion(screening, shown)
        review = Review.objects.create(
            screening=screening,
            number=_next_number(screening),
            kind=Review.Kind.DECISION,
            decision=decision,
            labels=(true_labels := _labels(screening, opinion, decision, labels)),
            reason=reason,
            outcome=_outcome(decision, true_labels),
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


def ground_truth(screening: Screening) -> Review | None:
    """Return the highest-numbered decision that is not undone, or None."""
    return standing_decisions().filter(screening=screening).first()


def standing_among(reviews: Iterable[Review]) -> Review | None:
    """Return the ground truth of one screening from all of its reviews, or None; asks no database."""
    rows = list(reviews)
    undone = {review.undoes_id for review in rows}
    decisions = [row for row in rows if row.kind == Review.Kind.DECISION and row.pk not in undone]
    return max(decisions, key=lambda row: row.number, default=None)


def standing_decisions() -> QuerySet[Review]:
    """Select each screening's highest-numbered decision that no undo names."""
    undo = Review.objects.filter(kind=Review.Kind.UNDO, undoes=OuterRef("pk"))
    standing = Review.objects.filter(~Exists(undo), kind=Review.Kind.DECISION)
    later = standing.filter(screening=OuterRef("screening"), number__gt=OuterRef("number"))
    return standing.filter(~Exists(later))


def labels_over_threshold(scoring: Scoring | None) -> list[str]:
    """The labels that counted when the scoring was made, by the thresholds in force then."""
    if scoring is None:
        return []
    scores = scores_in_order(scoring).items()
    return [label for label, score in scores if score >= scoring.thresholds.get(label, math.inf)]


def scores_in_order(scoring: Scoring) -> dict[str, float]:
    """The scores in the order of the version's labels: PostgreSQL keeps no order of keys."""
    order = {label: place for place, label in enumerate(scoring.model_version.labels)}
    scores: dict[str, float] = scoring.scores
    return dict(sorted(scores.items(), key=lambda entry: order.get(entry[0], len(order))))


def labels_to_judge(scoring: Scoring | None, active: ModelVersion | None) -> list[str]:
    """The labels that a person can tick: the scoring version's, or the active one's without a scoring."""
    if scoring is not None:
        return list(scores_in_order(scoring))
    return list(active.labels) if active is not None else []


def may_uphold(screening: Screening, scoring: Scoring | None) -> bool:
    """True where there is something to uphold: a label over threshold, or a comment without scores.

    An audit item is not shown with its scores, so there is no opinion of the model to agree with. A
    suggestion is a client's, and is confirmed label by label.
    """
    if screening.queued_for == Screening.QueuedFor.AUDIT or screening.source == Screening.Source.SUGGESTION:
        return False
    waits_unscored = scoring is None or screening.queued_for == Screening.QueuedFor.EDITED
    return waits_unscored or bool(labels_over_threshold(scoring))


def _known(kind: str) -> Review.Decision:
    try:
        return Review.Decision(kind)
    except ValueError as error:
        raise InvalidDecision(
            f"There is no such decision; choose {', '.join(Review.Decision.values)}."
        ) from error


def _check_reason(decision: Review.Decision, reason: str) -> None:
    if decision != Review.Decision.OTHER_REASON:
        if reason:
            raise InvalidDecision(f"A reason goes with {Review.Decision.OTHER_REASON} alone.")
    elif reason not in (known := reasons()):
        raise InvalidDecision(f"Say for which reason it is hidden: {', '.join(known)}.")


def _opinion(screening: Screening, shown: Shown) -> Scoring | None:
    """The scoring that the person judged, which need not be the verdict's any more."""
    if shown is None:
        return None
    if shown == CURRENT:
        return screening.basis()
    seen = screening.scorings.filter(pk=shown).first()
    if seen is None:
        raise OpinionIsGone("The text was scored again meanwhile. Please look at it once more.")
    return seen


def _labels(
    screening: Screening,
    opinion: Scoring | None,
    decision: Review.Decision,
    ticked: Mapping[str, bool] | None,
) -> dict[str, bool | None]:
    scoring = opinion or screening.basis()
    labels = labels_to_judge(scoring, None if scoring else _active_or_none())
    if decision == Review.Decision.FALSE_POSITIVE:
        return dict.fromkeys(labels, False)
    if decision == Review.Decision.OTHER_REASON:
        return dict.fromkeys(labels)
    if decision == Review.Decision.UPHOLD:
        if not may_uphold(screening, opinion):
            raise InvalidDecision(
                "No label is over its threshold, so there is nothing to uphold: relabel it instead."
            )
        over = labels_over_threshold(opinion)
        return {label: True if label in over else None for label in labels}
    if ticked is None or set(ticked) != set(labels) or not labels:
        raise InvalidDecision(
            f"Relabelling needs a yes or no for each of: {', '.join(labels) or 'no known label'}."
        )
    return {label: bool(ticked[label]) for label in labels}


def _active_or_none() -> ModelVersion | None:
    """Return the active version, or None: a failed item is judged even without a usable model."""
    try:
        return store.active_version()
    except store.ModelUnavailable:
        return None


def _outcome(decision: Review.Decision, labels: Mapping[str, bool | None]) -> Screening.Outcome:
    if decision in (Review.Decision.UPHOLD, Review.Decision.OTHER_REASON) or any(labels.values()):
        return Screening.Outcome.HIDE
    return Screening.Outcome.SHOW


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
