"""Says in one neutral sentence what became of a text, for its author; never what a model said of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation import registry
from moderation.models import Review, Screening, SecondLook
from moderation.models.content_types import content_type_of
from moderation.review import second_looks
from moderation.review.reasons import label_of
from moderation.review.standing import ground_truth
from moderation.visibility import means, rule

__all__ = ["Notice", "State", "notice_for"]

WHY = {
    "": gettext_lazy("A moderator has hidden it, because of how it is worded."),
    "spam": gettext_lazy("A moderator has hidden it as advertising or spam."),
    "off_topic": gettext_lazy("A moderator has hidden it, because it does not belong to the topic."),
    "private_data": gettext_lazy("A moderator has hidden it, because it names somebody's private data."),
    "illegal": gettext_lazy("A moderator has hidden it, because it may be against the law."),
}
"""{reason of the decision: sentence}; the empty one for every decision about labels."""


class State(StrEnum):
    """What became of a text."""

    WAITS = "waits"
    """Not shown until somebody has looked at it."""
    HIDDEN = "hidden"
    """A moderator has hidden it."""
    SHOWN = "shown"
    """It waited or was hidden, and is shown now."""


@dataclass(frozen=True)
class Notice:
    """What an author is told of a text."""

    screening_id: int
    state: State
    sentence: str
    may_ask: bool = False
    """True: the author may ask for a second look."""
    is_asked: bool = False
    """True: the author did, and waits."""


def notice_for(of: Model) -> Notice | None:
    """Return what the author of an object, or of a screening, is to know; None where there is nothing.

    Nothing is told of a text that is public and never waited, or whose model is registered without `hide`.
    Whether the reader is the author the caller makes sure. Three queries at most, one for most texts.
    """
    screening = of if isinstance(of, Screening) else _current(of)
    if screening is None or not screening.is_current or screening.source != Screening.Source.OBJECT:
        return None
    entry = means.registration(screening)
    if means.in_force(screening, entry) is None:
        return None
    if screening.outcome == Screening.Outcome.HIDE and screening.released is None:
        return _hidden(screening, ground_truth(screening))
    if rule.should_be_hidden(screening, entry):
        return Notice(screening.pk, State.WAITS, _("It waits for a moderator, and is not shown until then."))
    return _shown(screening)


def _hidden(screening: Screening, decision: Review | None) -> Notice:
    sentence = _why(decision.reason if decision is not None else "")
    if screening.second_look is not None:
        sentence += " " + _("Another moderator will look at it again, as you asked.")
        return Notice(screening.pk, State.HIDDEN, sentence, is_asked=True)
    if decision is not None and SecondLook.objects.filter(answer=decision).exists():
        sentence += " " + _("Another moderator has looked at it again: it stays hidden.")
    return Notice(screening.pk, State.HIDDEN, sentence, may_ask=second_looks.may_ask(screening, decision))


def _shown(screening: Screening) -> Notice | None:
    has_waited = (
        screening.verdict == Screening.Verdict.HELD
        or screening.held_by_reports
        or screening.queued_for == Screening.QueuedFor.EDITED
    )
    is_shown = bool(screening.released) or screening.outcome == Screening.Outcome.SHOW
    if not is_shown:
        return None
    if SecondLook.objects.filter(screening=screening, answer__outcome=Screening.Outcome.SHOW).exists():
        sentence = _("Another moderator has looked at it again: it is shown.")
    elif has_waited:
        sentence = _("A moderator has looked at it: it is shown.")
    else:
        return None
    return Notice(screening.pk, State.SHOWN, sentence)


def _why(reason: str) -> str:
    if reason in WHY:
        return str(WHY[reason])
    return _("A moderator has hidden it, for this reason: %(reason)s.") % {"reason": label_of(reason)}


def _current(instance: Model) -> Screening | None:
    entry = registry.for_model(type(instance))
    if entry is None:
        return None
    return Screening.objects.filter(
        source=Screening.Source.OBJECT,
        content_type=content_type_of(entry.model),
        object_id=entry.key_of(instance),
        field=entry.text.name,
        is_current=True,
    ).first()
