"""Objects that we hid in a way in which their model is not registered today: counting and mending them.

A registration was changed (another column, callables, the parent in place of the child) or taken away. What
hid an object is remembered, so decisions in the queue still find it; but it is not hidden as the site hides
today, and what is registered no longer stays hidden until somebody acts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import router, transaction
from django.db.models import Count
from django.utils.module_loading import import_string

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import Screening
from moderation.models.content_types import model_label
from moderation.models.screenings import ScreeningQuerySet
from moderation.objects.live_rows import live_rows
from moderation.registry import Hide, Registered
from moderation.visibility import hiding, means, pending_actions, rule

logger = logging.getLogger("moderation.visibility")

CHUNK = 200
AS_IT_WAS = (
    *("hidden_by_us", "hidden_by", "action_pending", "action_attempts", "action_token", "action_until"),
    *("error_code", "queued_for", "sampling_probability"),
)
"""What a try that failed leaves unchanged."""


class NotHidden(Exception):
    """Somebody is changing the object, its text has changed, or the site's callable raised."""


class Fate(Enum):
    """What mending does to the objects of one group."""

    MOVED = "moved"
    """Hidden as the model is registered today, and no longer as before."""
    GIVEN_BACK = "given back"
    """Shown, as nothing is registered to hide them; what a person decided to hide stays hidden."""
    FORGOTTEN = "forgotten"
    """The model, or the column that hid them, is no more: nothing is left to be undone."""
    DROPPED = "dropped"
    """They were to be hidden and never were, and nothing is registered that could."""
    STUCK = "stuck"
    """What hid them is not known or can't be called: to be shown by hand."""


@dataclass(frozen=True)
class Group:
    """Objects of one model that the same thing hid."""

    content_type: int
    label: str
    """Of the model, or what is known of one that is no more."""
    hidden_by: str
    """As `Screening.hidden_by` has it."""
    count: int
    fate: Fate

    @property
    def means(self) -> str:
        """What hid them, for people."""
        if self.fate is Fate.DROPPED:
            return "nothing so far"
        given = json.loads(self.hidden_by) if self.hidden_by else {}
        if "field" in given:
            return f"{given['field']} = {given['hidden']}"
        return str(given.get("hide") or "what was not noted")


def count() -> list[Group]:
    """Every group of orphans; empty where all is as it is registered. Raises DatabaseError."""
    groups = []
    hidden = _hidden().exclude(content_type=None).order_by("content_type", "hidden_by")
    counted = hidden.values_list("content_type", "hidden_by").annotate(count=Count("pk"))
    for content_type, hidden_by, number in counted:
        sample = _sample(content_type, hidden_by)
        fate = _fate(sample, means.registration(sample))
        if fate is not None:
            groups.append(Group(content_type, model_label(content_type), hidden_by, number, fate))
    waiting = _waiting().order_by("content_type").values_list("content_type").annotate(count=Count("pk"))
    for content_type, number in waiting:
        sample = _sample(content_type, "")
        if means.registration(sample) is None:
            groups.append(Group(content_type, model_label(content_type), "", number, Fate.DROPPED))
    return groups


def mend(group: Group, *, username: str = "", forget: bool = False) -> int:
    """Do to one group what its fate says; how many objects are done. What could not be done stays as it was.

    username: who does it, for the audit trail. forget: what is stuck counts as the site's own from now on.
    Doing it twice changes nothing. Raises DatabaseError.
    """
    done, actor = 0, Actor(None, username)
    for row in _rows(group):
        try:
            if group.fate is not Fate.STUCK or forget:
                done += _mend(row, group, actor)
        except Exception as error:  # of one of the site's callables, perhaps; its message may quote a row
            logger.error("Screening %s: not mended (%s).", row.pk, type(error).__name__)
    return done


def _hidden() -> ScreeningQuerySet:
    return Screening.objects.filter(is_current=True, hidden_by_us=True)


def _waiting() -> ScreeningQuerySet:
    """To be hidden, and not hidden by us so far."""
    waiting = Screening.objects.filter(action_pending=True, is_current=True, hidden_by_us=False)
    return waiting.filter(source=Screening.Source.OBJECT).exclude(content_type=None)


def _rows(group: Group) -> Iterator[Screening]:
    of = _waiting() if group.fate is Fate.DROPPED else _hidden().filter(hidden_by=group.hidden_by)
    of, after = of.filter(content_type=group.content_type).order_by("pk").defer("text"), 0
    while chunk := list(of.filter(pk__gt=after)[:CHUNK]):
        yield from chunk
        after = chunk[-1].pk


def _sample(content_type: int, hidden_by: str) -> Screening:
    """Any of a group: what becomes of it depends on nothing else."""
    return Screening(
        source=Screening.Source.OBJECT, content_type_id=content_type, hidden_by_us=True, hidden_by=hidden_by
    )


def _fate(sample: Screening, entry: Registered | None) -> Fate | None:
    """None: it was hidden as its model is registered today."""
    today = entry.hide if entry is not None else None
    if today is not None and sample.hidden_by in ("", means.written(today)):
        return None
    is_by_column = "field" in (json.loads(sample.hidden_by) if sample.hidden_by else {})
    can_be_undone = means.remembered(sample) is not None
    if means.model_of(sample) is None:
        return Fate.FORGOTTEN
    if not can_be_undone and not is_by_column:
        return Fate.STUCK
    if today is not None:
        return Fate.MOVED
    return Fate.GIVEN_BACK if can_be_undone else Fate.FORGOTTEN


def _mend(row: Screening, group: Group, actor: Actor) -> bool:
    if group.fate is Fate.MOVED:
        return _move(row, actor)
    with transaction.atomic(using=router.db_for_write(Screening)):
        locked = _locked(row)
        if locked is None:
            return False
        earlier = means.remembered(locked)
        is_to_show = group.fate is Fate.GIVEN_BACK and locked.outcome != Screening.Outcome.HIDE
        if is_to_show and earlier is not None:
            _undo(earlier, locked)
        _note(locked, group.fate, actor, hidden_by_us=False)
    return True


def _move(row: Screening, actor: Actor) -> bool:
    """Hide first, undo then: at no time is it visible."""
    alias = router.db_for_write(Screening)
    with transaction.atomic(using=alias):
        locked = _locked(row)
        entry = None if locked is None else means.registration(locked)
        if locked is None or entry is None or entry.hide is None:
            return False
        before = {name: getattr(locked, name) for name in AS_IT_WAS}
        earlier = means.remembered(locked)
        hidden = rule.should_be_hidden(locked, entry)
        # From here on it counts as hidden by today's means, also where it was hidden so already: by us, if an
        # earlier try was cut off, or if the column was renamed.
        locked.hidden_by = means.written(entry.hide)
        locked.save(update_fields=["hidden_by"])
        if hidden:
            hiding.hide(locked)
    try:
        _finish_move(row.pk, earlier, actor, hidden=hidden)  # by a callable it was hidden after the commit
    except Exception:
        Screening.objects.filter(pk=row.pk, is_current=True).update(**before)
        raise
    return True


def _finish_move(screening_id: int, earlier: Hide | None, actor: Actor, *, hidden: bool) -> None:
    with transaction.atomic(using=router.db_for_write(Screening)):
        now = Screening.objects.select_for_update().get(pk=screening_id)
        if hidden and now.action_pending:
            raise NotHidden
        if earlier is not None:
            _undo(earlier, now)
        elif not hidden:
            hiding.show(now)
        _note(now, Fate.MOVED, actor, hidden_by_us=hidden and not hiding.is_lost(now))


def _locked(row: Screening) -> Screening | None:
    """The row as it was counted, or None: somebody decided or edited meanwhile."""
    as_read = {"hidden_by_us": row.hidden_by_us, "hidden_by": row.hidden_by, "is_current": True}
    return Screening.objects.select_for_update().filter(pk=row.pk, **as_read).first()


def _undo(how: Hide, row: Screening) -> None:
    """Take back what hid the object, whatever its text is by now."""
    model = means.model_of(row)
    if model is None or hiding.is_lost(row):
        return
    objects = live_rows(model).filter(pk=row.object_id)
    if how.by_field:
        objects.filter(**{how.field: how.hidden}).update(**{how.field: how.visible})
        return
    instance = objects.first()
    if instance is not None:
        import_string(how.show)(instance)


def _note(row: Screening, fate: Fate, actor: Actor, *, hidden_by_us: bool) -> None:
    columns: dict[str, Any] = {
        "hidden_by_us": hidden_by_us,
        "hidden_by": row.hidden_by if hidden_by_us else "",
    }
    Screening.objects.filter(pk=row.pk).update(action_pending=False, **columns)
    pending_actions.done(row.pk)
    audit.record(
        Action.VISIBILITY_MENDED,
        actor,
        row,
        before={"hidden_by_us": row.hidden_by_us, "hidden_by": row.hidden_by},
        after={"fate": fate.value, **columns},
    )
