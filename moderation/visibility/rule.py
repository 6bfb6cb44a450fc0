"""The one rule of visibility: what the site should show, and what to do where it shows something else.

Saves, verdicts, decisions, pending actions and the comparison all ask it; none of them has a rule of its own.
"""

from __future__ import annotations

from enum import Enum

from moderation.models import Screening
from moderation.registry import Hide, Registered


class Step(Enum):
    """What to do about one object."""

    NOTHING = "nothing"
    HIDE = "hide"
    SHOW = "show"


def should_be_hidden(screening: Screening, entry: Registered | None) -> bool:
    """True where the object is to be invisible now. What a person did goes before everything else.

    entry: None where the model is not registered (here): then nothing is hidden before its verdict.
    """
    if screening.released:
        return False
    if screening.outcome:
        return screening.outcome == Screening.Outcome.HIDE
    if screening.held_by_reports or screening.queued_for == Screening.QueuedFor.EDITED:
        return True
    if screening.status == Screening.Status.DONE and not _waits_unjudged(screening):
        return screening.verdict == Screening.Verdict.HELD or _waits_for_author(screening)
    return entry is not None and entry.while_pending == "hide"


def step(screening: Screening, how: Hide, live: object, *, hidden: bool) -> Step:
    """Say what to do where the site shows `live`, the value of the column by which objects are hidden.

    hidden: what should be, as `should_be_hidden` says. A third value, a draft's for example, is invisible and
    the site's own: it is left alone until it becomes the visible one. Only what we hid is shown again.
    """
    if hidden:
        return Step.HIDE if live == how.visible and not _is_backfilled(screening) else Step.NOTHING
    return Step.SHOW if live == how.hidden and screening.hidden_by_us else Step.NOTHING


def is_unjudged_edit(screening: Screening) -> bool:
    """True where the text was changed while the object was hidden, and no person has judged the new one."""
    return screening.queued_for == Screening.QueuedFor.EDITED and not screening.outcome


def _waits_unjudged(screening: Screening) -> bool:
    """True where a person is to judge what no model was made for: until then it stays as it was."""
    return (
        screening.queued_for == Screening.QueuedFor.LANGUAGE
        and screening.verdict == Screening.Verdict.UNJUDGED
    )


def _waits_for_author(screening: Screening) -> bool:
    """True where a text that nobody scored is held for its author."""
    return (
        screening.queued_for == Screening.QueuedFor.AUTHOR and screening.verdict == Screening.Verdict.UNJUDGED
    )


def _is_backfilled(screening: Screening) -> bool:
    """True where the object was public before moderation came: it stays so until there is a verdict."""
    return (
        screening.priority == Screening.Priority.LOW
        and (screening.status != Screening.Status.DONE or _waits_unjudged(screening))
        and not (screening.outcome or screening.hidden_by_us or screening.action_pending)
        and screening.queued_for != Screening.QueuedFor.EDITED
    )
