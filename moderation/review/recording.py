"""Writes the row of a review: one place for decisions and second opinions."""

from __future__ import annotations

from moderation.audit import Actor
from moderation.models import Review, Scoring, Screening
from moderation.review.carrying_out import next_number
from moderation.review.judgements import Judgement
from moderation.texts import storable


def record(
    kind: Review.Kind,
    screening: Screening,
    opinion: Scoring | None,
    judgement: Judgement,
    actor: Actor,
    note: str,
    *,
    is_picked: bool = False,
) -> Review:
    """Write what a person judged of a screening whose row the caller has locked, and return the row.

    opinion: the scoring that was judged, or None. Of a decision it is kept since when the object had been
    released before. is_picked: as `decide` has it; False for all but decisions.
    """
    return Review.objects.create(
        screening=screening,
        number=next_number(screening),
        kind=kind,
        decision=judgement.decision,
        labels=judgement.labels,
        touched=judgement.touched,
        reason=judgement.reason,
        outcome=judgement.outcome,
        model_version_id=opinion.model_version_id if opinion else None,
        reviewer=actor.user,
        reviewer_name=actor.name,
        note=storable(note),
        was_released=screening.released if kind == Review.Kind.DECISION else None,
        is_picked=is_picked,
    )
