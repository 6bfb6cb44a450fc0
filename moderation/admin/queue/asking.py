"""What a moderator asks of one text: the words that drove a label, or its swear words unmasked.

A request by GET that changes nothing, for the whole page of an item (`?why=insult`) or for its text alone.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from moderation.admin.item.presenting import Item
from moderation.admin.item.shown_text import PART_CHARACTERS
from moderation.screening.driving import NotExplained, driving_words

WHY, PLAIN, PART = "why", "plain", "part"
"""Parameters: a label; "1" to show swear words; which part of a long text."""
LABEL_CHARACTERS = 200


def answer(request: HttpRequest, item: Item, *, is_page: bool) -> None:
    """Note in an item what the request asks of its text.

    is_page: True for the item's own page, which shows the text in parts. Of an item that is judged blind
    nothing is said before the decision, whatever the model thinks of it.
    """
    item.is_unmasked = request.GET.get(PLAIN) == "1"
    if is_page:
        item.part = _part(request)
    label = request.GET.get(WHY, "")[:LABEL_CHARACTERS]
    if not label:
        return
    if item.scores_are_withheld:
        item.not_explained = _("What the model says is shown after the decision.")
        return
    try:
        item.driving = driving_words(item.screening, item.scoring, label)
    except NotExplained as reason:
        item.not_explained = str(reason)
        return
    if is_page and PART not in request.GET:
        item.part = item.driving.words[0].start // PART_CHARACTERS + 1 if item.driving.words else 1


def _part(request: HttpRequest) -> int:
    """Return which part of a long text the request names; the first where that is no number."""
    part = request.GET.get(PART, "")
    return max(1, int(part)) if part.isascii() and part.isdecimal() and len(part) < 10 else 1
