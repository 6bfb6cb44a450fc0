"""Tells which decision on a screening stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from moderation.models import Review, Screening


def ground_truth(screening: Screening) -> Review | None:
    """Return the highest-numbered decision that is not undone, or None."""
    return standing_decisions().filter(screening=screening).first()


def last_undo(screening: Screening) -> Review | None:
    """Return the latest row that took a decision back, or None."""
    decision = Review.Kind.DECISION
    undone = Review.objects.filter(screening=screening, kind=Review.Kind.UNDO, undoes__kind=decision)
    return undone.order_by("-number").first()


def standing_among(reviews: Iterable[Review]) -> Review | None:
    """Return the ground truth of one screening from all of its reviews, or None; asks no database."""
    rows = list(reviews)
    undone = {review.undoes_id for review in rows}
    decisions = [row for row in rows if row.kind == Review.Kind.DECISION and row.pk not in undone]
    return max(decisions, key=lambda row: row.number, default=None)


def standing_opinion(reviews: Iterable[Review], user: Any) -> Review | None:
    """Return the user's second opinion from all reviews of one screening, if it was not taken back."""
    rows = list(reviews)
    undone = {review.undoes_id for review in rows}
    own = (row for row in rows if row.kind == Review.Kind.SECOND_OPINION and row.reviewer_id == user.pk)
    return next((row for row in own if row.pk not in undone), None)


def standing_decisions() -> QuerySet[Review]:
    """Select each screening's highest-numbered decision that no undo names."""
    undo = Review.objects.filter(kind=Review.Kind.UNDO, undoes=OuterRef("pk"))
    standing = Review.objects.filter(~Exists(undo), kind=Review.Kind.DECISION)
    later = standing.filter(screening=OuterRef("screening"), number__gt=OuterRef("number"))
    return standing.filter(~Exists(later))
