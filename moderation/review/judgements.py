"""Makes of what a moderator chose the labels, the outcome and the reason that are recorded."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from moderation.models import ModelVersion, Review, Scoring, Screening
from moderation.review.opinions import labels_over_threshold, labels_to_judge, may_uphold, plainly_over
from moderation.review.reasons import reasons
from moderation.review.refusals import InvalidDecision
from moderation.versions import store

AS_BEFORE = "as_before"
"""In place of a kind, with a second look or what readers brought back: it is decided as before."""


@dataclass(frozen=True)
class Choice:
    """What a moderator chose, as it came from a form or a program."""

    kind: str
    """A value of `Review.Decision`."""
    labels: Mapping[str, bool] | None = None
    """With ``relabel``: yes or no for each label."""
    label: str = ""
    """With ``uphold``: the one label that the person picked; empty: none was picked."""
    reason: str = ""
    """With ``other_reason``: a code of `moderation.review.reasons`."""
    touched: Collection[str] | None = None
    """With ``relabel``: the labels whose box the person ticked or cleared; None: not known."""


@dataclass(frozen=True)
class Judgement:
    """What is recorded of a choice."""

    decision: Review.Decision
    labels: dict[str, bool | None]
    """{label: true, false, or null: not looked at}."""
    outcome: Screening.Outcome
    reason: str
    touched: list[str] | None = None
    """With ``relabel``: of the labels, those whose box the person touched; None: not known."""


def judge(screening: Screening, opinion: Scoring | None, choice: Choice) -> Judgement:
    """Turn a choice into what is recorded of it. Raises InvalidDecision where it does not fit.

    opinion: the scoring that the person saw, or None.
    """
    decision = _known(choice.kind)
    _check_reason(decision, choice.reason)
    if choice.label and decision != Review.Decision.UPHOLD:
        raise InvalidDecision(f"One label is picked with {Review.Decision.UPHOLD} alone.")
    labels = _labels(screening, opinion, decision, choice)
    return Judgement(
        decision, labels, _outcome(decision, labels), choice.reason, _touched(decision, labels, choice)
    )


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
        raise InvalidDecision(
            _("Say for which reason it is hidden: %(reasons)s.") % {"reasons": ", ".join(known)}
        )


def _labels(
    screening: Screening, opinion: Scoring | None, decision: Review.Decision, choice: Choice
) -> dict[str, bool | None]:
    scoring = opinion or screening.basis()
    labels = labels_to_judge(scoring, None if scoring else _active_or_none())
    if decision == Review.Decision.FALSE_POSITIVE:
        return dict.fromkeys(labels, False)
    if decision == Review.Decision.OTHER_REASON:
        return dict.fromkeys(labels)
    if decision == Review.Decision.UPHOLD:
        true = [choice.label] if choice.label else _upheld(screening, opinion)
        if not set(true) <= set(labels):
            raise InvalidDecision(
                _("There is no such label; choose %(labels)s.")
                % {"labels": ", ".join(labels) or _("another decision")}
            )
        return {label: True if label in true else None for label in labels}
    ticked = choice.labels
    if ticked is None or set(ticked) != set(labels) or not labels:
        raise InvalidDecision(
            _("Relabelling needs a yes or no for each of: %(labels)s.")
            % {"labels": ", ".join(labels) or _("no known label")}
        )
    return {label: bool(ticked[label]) for label in labels}


def _touched(
    decision: Review.Decision, labels: Mapping[str, bool | None], choice: Choice
) -> list[str] | None:
    """The boxes that were touched, in the labels' order; None but for a relabelling that says it."""
    if decision != Review.Decision.RELABEL or choice.touched is None:
        return None
    if not set(choice.touched) <= set(labels):
        raise InvalidDecision(f"What was touched is among: {', '.join(labels)}.")
    return [label for label in labels if label in choice.touched]


def _upheld(screening: Screening, opinion: Scoring | None) -> list[str]:
    """The labels that are true where somebody says that something is wrong, and not what."""
    if not may_uphold(screening, opinion):
        raise InvalidDecision(
            _("No label is over its threshold, so there is nothing to uphold: relabel it instead.")
        )
    return plainly_over(opinion) if labels_over_threshold(opinion) else []


def _outcome(decision: Review.Decision, labels: Mapping[str, bool | None]) -> Screening.Outcome:
    if decision in (Review.Decision.UPHOLD, Review.Decision.OTHER_REASON) or any(labels.values()):
        return Screening.Outcome.HIDE
    return Screening.Outcome.SHOW


def _active_or_none() -> ModelVersion | None:
    """Return the active version, or None: a failed item is judged even without a usable model."""
    try:
        return store.active_version()
    except store.ModelUnavailable:
        return None
