"""Puts items for a second opinion among a moderator's open ones, and records what is said of them.

Before the moderator has spoken nothing on the pages tells such an item from one that nobody has judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from moderation.admin.queue import tabs
from moderation.admin.queue.changelist import Queue
from moderation.models import Review, Screening
from moderation.review import rights, second_opinions
from moderation.review.giving_second_opinions import give_second_opinion
from moderation.review.standing import ground_truth


def with_dealt(request: HttpRequest, cl: Queue, rows: list[Screening], fetch: Any) -> list[Screening]:
    """Return the rows of a page with those among them that are dealt to the reader for a second opinion.

    They stand on the first page of a list that nothing narrows, as those who work the queue begin there.
    fetch: the queryset that the page's rows come from, before any filter.
    """
    is_first = not any(cl.cursors.values())
    if (
        not is_first
        or cl.is_narrowed
        or cl.tab.name not in tabs.WITH_BLIND
        or not rights.may_review(request.user)
    ):
        return rows
    if cl.page.has_next and all(row.verdict == Screening.Verdict.HELD for row in rows):
        return rows  # none that is judged blind would stand here
    return second_opinions.mixed_in(rows, dealt(request, fetch))


def dealt(request: HttpRequest, fetch: Any) -> list[Screening]:
    """Return what is dealt to the reader for a second opinion, as open items."""
    user: Any = request.user
    keys = list(second_opinions.due_to(user).values_list("pk", flat=True))
    return second_opinions.as_seen_by(user, fetch.filter(pk__in=keys).order_by("pk")) if keys else []


def as_seen(request: HttpRequest, rows: list[Screening]) -> list[Screening]:
    """Return the rows as the reader is to see them: what is dealt for a second opinion is open."""
    user: Any = request.user
    return second_opinions.as_seen_by(user, rows)


def dealt_among(request: HttpRequest, keys: Iterable[int]) -> list[int]:
    """Return those of these ids that are dealt to the reader for a second opinion."""
    user: Any = request.user
    due = set(second_opinions.due_to(user).values_list("pk", flat=True))
    return [key for key in keys if key in due]


def is_given(request: HttpRequest, pk: int) -> bool:
    """True where the form is that of an item dealt for a second opinion, as it was shown: open and blind."""
    user: Any = request.user
    is_open_form = request.POST.get("seen_number", "0") in ("", "0") and not request.POST.get("scoring")
    return is_open_form and second_opinions.is_due(pk, user)


def give(pk: int, **said: Any) -> tuple[Review, str]:
    """Record a second opinion; return it, and in safe HTML what came of it. Raises what giving one raises."""
    review = give_second_opinion(pk, **said)
    standing = ground_truth(review.screening)
    return review, _told(review, standing)


def _told(review: Review, standing: Review | None) -> str:
    link = reverse("admin:moderation_screening_change", args=(review.screening_id,))
    if standing is None:
        words = _('Recorded as a second opinion on <a href="{link}">an item</a>; nothing is changed by it.')
        return format_html(words, link=link)
    if standing.outcome == review.outcome:
        words = _(
            'A second opinion: {who} had decided <a href="{link}">this item</a>, too, and you agree '
            "({outcome}). Thank you; nothing is changed by it."
        )
    else:
        words = _(
            'A second opinion: {who} had decided <a href="{link}">this item</a> otherwise ({outcome}). '
            "Thank you; that decision stands, and yours helps to see how far moderators agree."
        )
    who = standing.reviewer_name or _("somebody")
    return format_html(words, who=who, link=link, outcome=standing.get_outcome_display())
