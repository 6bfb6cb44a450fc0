"""Says at an item what the site shows now, and who of its staff changed that."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.utils.translation import gettext as _

from moderation.admin.item.presenting import Item
from moderation.models import Review, Screening
from moderation.review.second_opinions import is_as_open
from moderation.visibility import hiding
from moderation.visibility.live_state import LiveState, live_state, live_states


def with_live_states(items: list[Item]) -> list[Item]:
    """Give each item the state of its object, and return them; one query for each model.

    One that is dealt for a second opinion is left as it was before the decision.
    """
    states = live_states(item.screening for item in items)
    for item in items:
        if not is_as_open(item.screening):
            item.live = states[item.screening.pk]
    return items


def changed_by_staff(item: Item) -> LogEntry | None:
    """Return the admin's last entry about the object after the decision, where the site overruled that."""
    screening, decision = item.screening, item.decision
    if decision is None or not item.is_overruled:
        return None
    entries = LogEntry.objects.filter(
        content_type=screening.content_type_id,
        object_id=screening.object_id,
        action_time__gte=decision.created,
    )
    return entries.select_related("user").order_by("-pk").first()


def what_follows(review: Review, screening: Screening) -> str:
    """Say what the decision did to the object, as it is now, in the words after its name.

    review: a decision that was made just now. screening: as the decision left it.
    """
    is_to_hide = review.outcome == Screening.Outcome.HIDE
    if screening.source == Screening.Source.SUGGESTION:
        return _("is recorded")
    live = live_state(screening)
    if live is LiveState.GONE:
        text = _("is recorded; no such comment is left to be hidden")
        return text if is_to_hide else _("is recorded; no such comment is left to be shown")
    if live is LiveState.HIDDEN and not is_to_hide and not screening.may_be_hidden_by_us:
        return _("is recorded; the site itself keeps it hidden")
    reason = hiding.obstacle(screening) if screening.hidden_by_us != is_to_hide else ""
    if reason:
        text = _("could not be hidden: %(reason)s") if is_to_hide else _("could not be shown: %(reason)s")
        return text % {"reason": reason}
    if screening.action_pending and screening.action_attempts:
        return _("could not be changed yet: an error of the site's code or data. It is tried again")
    if screening.action_pending:  # its row is locked, or its text has changed: the sweep goes on with it
        return _("will be hidden") if is_to_hide else _("will be shown")
    return _("is hidden") if is_to_hide else _("is shown")
