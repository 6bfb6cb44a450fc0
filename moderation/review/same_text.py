"""Tells what people decided on the same text before, or lately on nearly the same.

"The same" goes by the text key, which folds case, spaces, punctuation and repeats. "Nearly the same" goes by
the words of the latest decided texts: a wave of copies with another name or number in each comes within days.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Substr

from moderation.models import Review, Screening
from moderation.models.conditions import DECIDED
from moderation.review import rights, second_opinions
from moderation.review.decisions import standing_decisions

COUNTED = 100
"""How many decisions on one text are counted, the latest."""
LATEST = 300
"""How many of the latest decided texts are compared."""
COMPARED_CHARACTERS = 600
LEAST_WORDS = 5
"""A text of fewer different words is like others by chance."""
LEAST_SHARE = 0.75
"""Of the different words of two texts together, how many both must have (Jaccard 1912)."""
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class EarlierDecisions:
    """What was decided on other copies of a text."""

    last: Review
    """The latest of them that stands; its screening holds the other copy."""
    is_same: bool
    """True: of the same text. False: of one that is nearly the same."""
    hidden: int = 0
    shown: int = 0
    """Among the latest COUNTED decisions on the same text."""

    @property
    def who(self) -> str:
        return self.last.reviewer_name

    @property
    def when(self) -> datetime:
        return self.last.created

    @property
    def was_hidden(self) -> bool:
        return self.last.outcome == Screening.Outcome.HIDE


class _CountOfHidden(Subquery):
    """How many rows of a subquery of outcomes say hide."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) latest WHERE latest.outcome = 'hide')"
    output_field = IntegerField()


class _Count(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) latest)"
    output_field = IntegerField()


def decisions_on_same_texts(screenings: Sequence[Screening], user: Any) -> dict[int, EarlierDecisions]:
    """Return {screening id: what was decided on other copies of its text}, where anything was.

    Copies that the user may not see count for nothing, nor do those that are dealt to the user for a second
    opinion. Five queries for any number of screenings, each bounded by COUNTED or LATEST.
    """
    decided = _decided(user)
    keyed = [row for row in screenings if row.text_key and row.blanked is None]
    same = _on_the_same(keyed, decided)
    others = [row for row in keyed if row.pk not in same]
    near = _on_nearly_the_same(others, decided) if others else {}
    last_ids = {pk for pk, _hidden, _all in same.values()} | set(near.values())
    standing = standing_decisions().filter(screening__in=last_ids).select_related("screening__content_type")
    last = {review.screening_id: review for review in standing.defer("screening__text")}
    earlier = {
        pk: EarlierDecisions(last[other], True, hidden, counted - hidden)
        for pk, (other, hidden, counted) in same.items()
        if other in last
    }
    for pk, other in near.items():
        if other in last:
            earlier[pk] = EarlierDecisions(last[other], False)
    return earlier


def _decided(user: Any) -> QuerySet[Screening]:
    decided = rights.visible(user, Screening.objects.filter(DECIDED).order_by())
    return second_opinions.without_dealt(user, decided)


def _on_the_same(
    screenings: Sequence[Screening], decided: QuerySet[Screening]
) -> dict[int, tuple[int, int, int]]:
    """{screening id: (the copy that was decided last, how many were hidden, how many were decided)}."""
    copies = decided.filter(~Q(pk=OuterRef("pk")), text_key=OuterRef("text_key"))
    latest = copies.order_by("-reviewed", "-id")
    outcomes = latest.values("outcome")[:COUNTED]
    rows = (
        Screening.objects.filter(pk__in=[row.pk for row in screenings])
        .annotate(
            last=Subquery(latest.values("pk")[:1]), hidden=_CountOfHidden(outcomes), counted=_Count(outcomes)
        )
        .filter(last__isnull=False)
    )
    return {
        pk: (last, hidden, counted)
        for pk, last, hidden, counted in rows.values_list("pk", "last", "hidden", "counted")
    }


def _on_nearly_the_same(screenings: Iterable[Screening], decided: QuerySet[Screening]) -> dict[int, int]:
    """{screening id: the likest among the latest decided}, where one is like enough."""
    wanted = {row.pk: words for row in screenings if (words := words_of(row.text)) is not None}
    if not wanted:
        return {}
    latest = decided.order_by("-reviewed", "-id")[:LATEST]
    beginnings = latest.values_list("pk", Substr("text", 1, COMPARED_CHARACTERS))
    compared = [(pk, words) for pk, text in beginnings if (words := words_of(text)) is not None]
    likest: dict[int, int] = {}
    for pk, words in wanted.items():
        share, other = max(
            ((share_of_words(words, theirs), other) for other, theirs in compared if other != pk),
            default=(0.0, 0),
        )
        if share >= LEAST_SHARE:
            likest[pk] = other
    return likest


def words_of(text: str) -> frozenset[str] | None:
    """The different words at the beginning of a text, numbers left out; None where they are too few."""
    words = frozenset(_WORD.findall(text[:COMPARED_CHARACTERS].casefold()))
    return words if len(words) >= LEAST_WORDS else None


def share_of_words(one: frozenset[str], other: frozenset[str]) -> float:
    """Of the words of both, the share that both have, 0 to 1; 0 where their numbers differ too much."""
    if min(len(one), len(other)) < LEAST_SHARE * max(len(one), len(other)):
        return 0.0
    common = len(one & other)
    return common / (len(one) + len(other) - common)
