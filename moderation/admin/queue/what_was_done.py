"""Says after a decision or an undo what was recorded of which item, and what became of it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from moderation.admin.display.ago import time_since
from moderation.admin.display.label_names import label_name
from moderation.admin.item.live import what_follows
from moderation.admin.item.presenting import title_of
from moderation.models import Review, Screening
from moderation.review import decisions as reviewing
from moderation.review.reasons import label_of


def undoing(review: Review) -> dict[str, Any]:
    """Return what a script needs to take a review back."""
    undo = reverse("admin:moderation_screening_undo", args=(review.screening_id, review.pk))
    return {"review": review.number, "undo": undo}


def result_of(review: Review) -> str:
    """Say what was decided about which object, and what became of it."""
    screening = Screening.objects.select_related("content_type").defer("text").get(pk=review.screening_id)
    labels = ", ".join(label_name(label) for label, value in review.labels.items() if value)
    labels = labels or (label_of(review.reason) if review.reason else "")
    return format_html(
        '{}: <a href="{}">{}</a> {}{}',
        review.get_decision_display(),
        reverse("admin:moderation_screening_change", args=(review.screening_id,)),
        title_of(screening),
        what_follows(review, screening),
        f" ({labels})." if labels else ".",
    )


def words_of_undo(undo: Review) -> str:
    """Say that a review was taken back, and whether the item waits again."""
    screening = Screening.objects.select_related("content_type").defer("text").get(pk=undo.screening_id)
    link = reverse("admin:moderation_screening_change", args=(undo.screening_id,))
    if undo.undoes is not None and undo.undoes.kind == Review.Kind.SECOND_OPINION:
        text = _('Taken back: your second opinion on <a href="{link}">{title}</a> does not count any more.')
    elif screening.outcome:
        text = _('Taken back: the earlier decision on <a href="{link}">{title}</a> stands again.')
    elif screening.is_open:
        text = _('Taken back: <a href="{link}">{title}</a> is in the queue again.')
    else:
        text = _('Taken back: nobody has decided on <a href="{link}">{title}</a>.')
    return format_html(text, link=link, title=title_of(screening))


def words_of_conflict(already: reviewing.AlreadyDecided) -> str:
    outcome = _("hidden") if already.outcome == Screening.Outcome.HIDE else _("shown")
    link = reverse("admin:moderation_screening_change", args=(already.review.screening_id,))
    return format_html(
        _(
            'Not recorded: {who} decided <a href="{link}">this item</a> {ago} ago ({decision}, {outcome}). '
            "That decision stands."
        ),
        who=already.who or _("someone"),
        link=link,
        ago=time_since(already.when),
        decision=already.review.get_decision_display(),
        outcome=outcome,
    )
