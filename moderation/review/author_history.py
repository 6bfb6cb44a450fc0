"""Counts what became of one author's texts, and finds the latest; reads rows only, and a bounded number.

An author is an account, by its key, or somebody without one, by the name that the site shows. Nothing is told
of open items that are judged without scores, nor of those that look like them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import QuerySet

from moderation.authors.identity import Author
from moderation.models import Review, Screening
from moderation.models.conditions import DRAWN_BY_CHANCE
from moderation.review.decisions import standing_decisions

LOOKED_AT = 1000
"""The latest texts of an author that are counted."""
SHOWN = 5
_BLIND = (Screening.QueuedFor.FLAGGED, *DRAWN_BY_CHANCE)


@dataclass
class History:
    """What became of an author's latest texts, at most LOOKED_AT."""

    screened: int = 0
    is_more: bool = False
    """True where there are older texts, which are not counted."""
    waiting: int = 0
    """Wait for a person."""
    flagged: int = 0
    """Of those that do not wait: some label was at or over its threshold."""
    upheld: int = 0
    """Hidden by a person for what they say."""
    overturned: int = 0
    """Flagged or held, and shown by a person."""
    other_reason: int = 0
    """Hidden by a person for another reason."""
    latest: list[Screening] = field(default_factory=list)
    """The newest first."""


def history_of(
    author: Author, among: QuerySet[Screening] | None = None, as_open: Collection[int] = ()
) -> History:
    """Count an author's texts among those that somebody may see; three queries. among: None for all.

    as_open: ids of decided texts that count as open ones, of which nothing is told.
    """
    rows = author.texts(among).order_by("-id")
    columns = ("pk", "verdict", "labels", "outcome", "queued_for", "is_current")
    counted = list(rows.values_list(*columns)[: LOOKED_AT + 1])
    history = History(is_more=len(counted) > LOOKED_AT)
    hidden = []
    for pk, verdict, labels, outcome, queued_for, is_current in counted[:LOOKED_AT]:
        if pk in as_open:
            history.screened += 1
            history.waiting += 1
            continue
        is_open = is_current and bool(queued_for) and not outcome
        is_held = verdict == Screening.Verdict.HELD
        is_flagged = bool(labels) and (is_held or verdict == Screening.Verdict.FLAGGED)
        history.screened += 1
        history.waiting += is_open
        if is_flagged and (not is_open or is_held or queued_for not in _BLIND):
            history.flagged += 1
        if outcome == Screening.Outcome.HIDE:
            hidden.append(pk)
        history.overturned += is_flagged and outcome == Screening.Outcome.SHOW
    if hidden:
        decisions = standing_decisions().filter(screening__in=hidden)
        history.other_reason = decisions.filter(decision=Review.Decision.OTHER_REASON).count()
        history.upheld = len(hidden) - history.other_reason
    latest = rows.select_related("content_type")
    history.latest = list(latest.filter(pk__in=[row[0] for row in counted[:SHOWN]]))
    return history
