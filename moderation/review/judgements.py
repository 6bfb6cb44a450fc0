"""Makes of what a moderator chose the labels, the outcome and the reason that are recorded."""

from __future__ import annotations

from collections.abc import Mapping

from moderation.models import ModelVersion, Review, Scoring, Screening
from moderation.review.opinions import labels_over_threshold, labels_to_judge, may_uphold
from moderation.review.reasons import reasons
from moderation.review.refusals import InvalidDecision
from moderation.versions import store


def known(kind: str) -> Review.Decision:
    try:
        return Review.Decision(kind)
    except ValueError as error:
        raise InvalidDecision(
            f"There is no such decision; choose {', '.join(Review.Decision.values)}."
        ) from error


def check_reason(decision: Review.Decision, reason: str) -> None:
    if decision != Review.Decision.OTHER_REASON:
        if reason:
            raise InvalidDecision(f"A reason goes with {Review.Decision.OTHER_REASON} alone.")
    elif reason not in (known := reasons()):
        raise InvalidDecision(f"Say for which reason it is hidden: {', '.join(known)}.")


def labels_of(
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


def outcome_of(decision: Review.Decision, labels: Mapping[str, bool | None]) -> Screening.Outcome:
    if decision in (Review.Decision.UPHOLD, Review.Decision.OTHER_REASON) or any(labels.values()):
        return Screening.Outcome.HIDE
    return Screening.Outcome.SHOW


def _active_or_none() -> ModelVersion | None:
    """Return the active version, or None: a failed item is judged even without a usable model."""
    try:
        return store.active_version()
    except store.ModelUnavailable:
        return None
