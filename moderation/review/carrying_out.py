"""Carries out what people decided: the screening's outcome, its place in the queue, and the visibility."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from moderation.models import Review, Screening
from moderation.review.refusals import NoLongerCurrent
from moderation.visibility import hiding, means

_QUEUED_BY_VERDICT = (Screening.Verdict.FLAGGED.value, Screening.Verdict.HELD.value)


def check_current(screening: Screening) -> None:
    """Raise NoLongerCurrent where the text is not the object's any more, or is gone."""
    if not screening.is_current:
        raise NoLongerCurrent(
            _("The text was edited or deleted meanwhile. The newer one, if any, is in the queue.")
        )
    if screening.blanked:
        raise NoLongerCurrent(
            _("Its text was blanked when its retention ended, so there is nothing to judge.")
        )


def next_number(screening: Screening) -> int:
    """Return the number of the next review of a screening that the caller has locked."""
    highest = Review.objects.filter(screening=screening).aggregate(highest=Max("number"))["highest"]
    return (highest or 0) + 1


def state(screening: Screening) -> dict[str, object]:
    """Return what an audit entry tells of a screening before a decision changes it."""
    return {"outcome": screening.outcome, "hidden_by_us": screening.hidden_by_us}


def carry_out(screening: Screening, decision: Review) -> None:
    """Make a new decision so, in its transaction. What was released before is for the decision to say now."""
    screening.was_picked = decision.is_picked
    _store(screening, decision.outcome, timezone.now(), released=None)


def take_back(screening: Screening, undone: Review, standing: Review | None) -> None:
    """Put the screening back to what it was before `undone`, in the transaction that records the undo.

    standing: the decision that stands again, which is carried out; None: a person has still to decide. A
    release that came after the decision holds on.
    """
    released = screening.released or undone.was_released
    screening.was_picked = standing is not None and standing.is_picked
    if standing is not None:
        _store(screening, standing.outcome, standing.created, released=released)
        return
    if not screening.queued_for:
        _queue(screening)
    _store(screening, "", None, released=released)


def _store(
    screening: Screening, outcome: str, reviewed: datetime | None, *, released: datetime | None
) -> None:
    screening.outcome, screening.reviewed, screening.released = outcome, reviewed, released
    columns = ["outcome", "reviewed", "released", "queued_for", "sampling_probability", "was_picked"]
    screening.save(update_fields=columns)
    hiding.apply_all([screening])


def _queue(screening: Screening) -> None:
    """Queue a text that was decided before its verdict came, which put it into no queue for that."""
    reason = ""
    if screening.source == Screening.Source.SUGGESTION:
        return
    if screening.status == Screening.Status.FAILED:
        reason = Screening.QueuedFor.FAILED
    elif screening.verdict in _QUEUED_BY_VERDICT:
        reason = Screening.QueuedFor(screening.verdict)
    elif screening.verdict == Screening.Verdict.UNJUDGED:
        entry = means.registration(screening)
        if entry is not None and entry.other_languages == "queue":
            reason = Screening.QueuedFor.LANGUAGE
    if reason:
        screening.queued_for, screening.sampling_probability = reason, 1.0
