"""Puts items for a second opinion among a moderator's open ones, and records what is said of them.

Before the moderator has spoken nothing on the pages tells such an item from one that nobody has judged.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from moderation.admin.queue import keyset
from moderation.admin.queue.changelist import Queue
from moderation.models import Review, Screening
from moderation.review import claims, second_opinions
from moderation.review.giving_second_opinions import give_dealt
from moderation.review.standing import ground_truth


def beside(request: HttpRequest, cl: Queue) -> claims.Beside:
    """Return what is dealt to the reader in a list, and where it stands among the list's open items."""
    if not cl.dealt:
        return claims.NOTHING_BESIDE
    order = cl.get_ordering(request, cl.queryset)
    dealt = tuple(row.pk for row in cl.dealt)
    return claims.Beside(dealt, lambda keys: keyset.in_order(keys, order, cl.dealt))


def as_seen(request: HttpRequest, rows: list[Screening]) -> list[Screening]:
    """Return the rows as the reader is to see them: what is dealt for a second opinion is open."""
    user: Any = request.user
    return second_opinions.as_seen_by(user, rows)


def dealt_to(request: HttpRequest) -> set[int]:
    """Return the ids of what is dealt to the reader for a second opinion."""
    user: Any = request.user
    return second_opinions.dealt_to(user)


def is_given(request: HttpRequest, pk: int) -> bool:
    """True where the item is dealt to the user for a second opinion, so whatever is said of it is one."""
    user: Any = request.user
    return second_opinions.is_due(pk, user)


def give(pk: int, **said: Any) -> tuple[Review, str]:
    """Record a second opinion; return it, and in safe HTML what came of it. Raises what `give_dealt` raises.

    said: as `give_dealt` takes it.
    """
    review = give_dealt(pk, **said)
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
