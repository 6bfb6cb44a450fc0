"""Tells an accident from a decision where somebody shows what is to be hidden: only a decision stands.

An object that was loaded before we hid it carries the old, visible value, and a full `save()` of it writes
that back: an accident, which is hidden again in the same save. An object that was read hidden and is saved
visible was shown by somebody who knew: that is noted as a release, and no machine hides this text again.
It is none where the model is registered with `"release": "explicit"`, where the text was changed while the
object was hidden and no person has judged it since, and where it was not us who hid it: a draft whose text
was held meanwhile is hidden in the save that publishes it.

Behind the ORM (`update()`, SQL) nobody knows who it was. The comparison hides such an object again once, and
says so in the audit trail; shown a second time, it stays, where a save could have released it, too. Code of
the site that shows objects on a person's word without `save()` says so with `release`. Of a site's callables
nobody can tell what is hidden now; they are asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import DatabaseError, router, transaction
from django.db.models import Model
from django.utils import timezone

from moderation import audit, registry
from moderation.audit import MACHINE, Action, Actor
from moderation.db.locking import locked_if_free, update_if_free
from moderation.models import Screening
from moderation.models.content_types import content_type_of
from moderation.registry import Hide, Registered
from moderation.visibility import hiding, means, provenance, rule
from moderation.visibility.rule import Step

logger = logging.getLogger("moderation.visibility")

_MISSING = object()


class Overtaken(DatabaseError):
    """Raised where a screening was changed between reading it and acting on it."""


def release(instance: Model, *, user: AbstractBaseUser | None = None) -> bool:
    """Show what moderation hid, on a person's word; no machine hides this text again.

    For the site's own moderation pages. user: who says so, for the audit trail. What is held and was hidden
    by the site itself, a draft for example, stays so until the site shows it. False where nothing is to be
    hidden. The item stays in the queue, for a person to say what the model got wrong. Raises DatabaseError.
    """
    entry = registry.for_model(type(instance))
    if entry is None:
        return False
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = _locked(entry, instance)
        if screening is None or not rule.should_be_hidden(screening, entry):
            return False
        was_hidden_by_us = screening.hidden_by_us
        used = means.in_force(screening, entry)
        hiding.show(screening)
        # By a callable it is shown after the commit, and only while it counts as hidden by us.
        _note_release(screening, is_shown=not screening.action_pending, actor=Actor.of(user))
    if was_hidden_by_us and used is not None and used.hide is not None and used.hide.by_field:
        setattr(instance, used.hide.attname, used.hide.visible)  # or its next save would hide it again
    return True


def is_shown(entry: Registered, instance: Model) -> bool:
    """True where the instance says that the object is visible, or may be by an expression. No query."""
    how = entry.hide
    if how is None or not how.by_field:
        return False
    value = instance.__dict__.get(how.attname, _MISSING)
    if value is _MISSING or value == how.visible:
        return value is not _MISSING
    if hasattr(value, "resolve_expression"):
        return True  # the database knows
    if type(value) is type(how.visible):
        return False
    try:  # as a form or a script may have set it: "1" for a number
        column: Any = instance._meta.get_field(how.field)
        return bool(registry.as_column_value(column, value) == how.visible)
    except (ValueError, TypeError):
        return False


def look_at_save(entry: Registered, instance: Model, screening: Screening) -> None:
    """Release, or hide again, what is to be hidden and is shown by a save that leaves the text unchanged.

    Call it in a transaction. screening: its current one. Raises Overtaken where somebody decided meanwhile.
    """
    used = means.in_force(screening, entry)
    if used is None or used.hide is None or not rule.should_be_hidden(screening, entry):
        return
    how = used.hide
    if not how.by_field:
        _ask_callable(screening)
        return
    if not is_shown(used, instance) or rule.step(screening, how, how.visible, hidden=True) is not Step.HIDE:
        return
    if how == entry.hide and provenance.was_read_hidden(instance) and _may_be_shown_by_save(entry, screening):
        if _live_value(entry, how, instance) == how.visible:
            _note_release(screening, is_shown=True, actor=MACHINE)
    elif hiding.hide_at_save(used, instance):
        _note_hidden(screening, how)
        setattr(instance, how.attname, how.hidden)
        provenance.forget(instance)


def hide_again(entry: Registered, screenings: Sequence[Screening]) -> int:
    """Compare what the site should show with what it shows; returns how many objects were hidden.

    What is hidden without need is left to the sweep, as a pending action. Raises DatabaseError.
    """
    hidden = 0
    by_means: dict[str, tuple[Registered, dict[str, Screening]]] = {}
    for row in screenings:
        used = means.in_force(row, entry)
        if used is not None and used.hide is not None and not row.action_pending:
            by_means.setdefault(means.written(used.hide), (used, {}))[1][row.object_id] = row
    for used, rows in by_means.values():
        hidden += _compare(entry, used, rows)
    return hidden


def _compare(entry: Registered, used: Registered, by_object: Mapping[str, Screening]) -> int:
    """Compare {object id: screening} of objects with the same means; returns how many were hidden."""
    how = used.hide
    should_hide = {key: rule.should_be_hidden(row, entry) for key, row in by_object.items()}
    in_question = {key: row for key, row in by_object.items() if should_hide[key] or row.hidden_by_us}
    if how is None or not in_question:
        return 0
    _note_means(how, in_question.values())
    if not how.by_field:
        changing = [row.pk for key, row in in_question.items() if should_hide[key] != row.hidden_by_us]
        update_if_free(Screening.objects.filter(pk__in=changing, is_current=True), action_pending=True)
        return 0
    rows = entry.objects().filter(pk__in=list(in_question))
    hidden = 0
    for key, value in rows.values_list("pk", how.field):
        row = in_question[str(key)]
        step = rule.step(row, how, value, hidden=should_hide[str(key)])
        if step is Step.HIDE:
            hidden += _hide_again(entry, row.pk)
        elif step is Step.SHOW:
            update_if_free(Screening.objects.filter(pk=row.pk, is_current=True), action_pending=True)
    return hidden


def _note_means(how: Hide, rows: Iterable[Screening]) -> None:
    """Note the means in force for objects that an earlier version hid without noting by what."""
    unknown = [row.pk for row in rows if row.hidden_by_us and not row.hidden_by]
    if unknown:
        nameless = Screening.objects.filter(pk__in=unknown, hidden_by_us=True, hidden_by="")
        update_if_free(nameless, hidden_by=means.written(how))


def _hide_again(entry: Registered, screening_id: int) -> bool:
    with transaction.atomic(using=router.db_for_write(Screening)):
        rows = Screening.objects.filter(pk=screening_id, is_current=True, action_pending=False)
        row = locked_if_free(rows).first()
        if row is None or not rule.should_be_hidden(row, entry):
            return False
        action = Action.VISIBILITY_HIDDEN_AGAIN if row.hidden_by_us else Action.VISIBILITY_HIDDEN_LATE
        was_hidden_again = audit.about(row).filter(action=Action.VISIBILITY_HIDDEN_AGAIN).exists()
        if was_hidden_again and _may_be_shown_by_save(entry, row):
            _note_release(row, is_shown=True, actor=MACHINE)
            return False
        before = {"hidden_by_us": row.hidden_by_us}
        hiding.hide(row)
        if not (row.hidden_by_us or row.action_pending):
            return False  # it is gone, or somebody hid it in this moment
        audit.record(action, MACHINE, row, before=before, after={"hidden_by_us": True})
        return True


def _may_be_shown_by_save(entry: Registered, screening: Screening) -> bool:
    """True where a save, not only the queue and `release`, may show what we hid by a person's decision."""
    return entry.release == "save" and screening.hidden_by_us and not rule.is_unjudged_edit(screening)


def _note_hidden(screening: Screening, how: Hide) -> None:
    """Note that the object was hidden in the save that showed it."""
    if screening.hidden_by_us:
        logger.info("Screening %s: a stale save showed the object; it is hidden again.", screening.pk)
        return
    as_read = {name: getattr(screening, name) for name in ("outcome", "released", "verdict", "status")}
    rows = Screening.objects.filter(pk=screening.pk, is_current=True, **as_read)
    if not rows.update(hidden_by_us=True, hidden_by=means.written(how)):
        raise Overtaken("Somebody changed the screening meanwhile.")
    logger.info("Screening %s: a save showed the object, whose text is to be hidden.", screening.pk)


def _ask_callable(screening: Screening) -> None:
    """Leave to the worker an object that a save may have shown: a save can't wait for the site's callable."""
    if not screening.hidden_by_us and not screening.action_pending:
        rows = Screening.objects.filter(pk=screening.pk, is_current=True, hidden_by_us=False)
        rows.update(action_pending=True)


def _note_release(screening: Screening, *, is_shown: bool, actor: Actor) -> None:
    columns: dict[str, Any] = {"released": timezone.now()}
    if is_shown:
        columns.update(hidden_by_us=False, hidden_by="", action_pending=False)
    Screening.objects.filter(pk=screening.pk).update(**columns)
    audit.record(
        Action.VISIBILITY_RELEASED,
        actor,
        screening,
        before={"verdict": screening.verdict, "outcome": screening.outcome},
        after={"released": True},
    )


def _locked(entry: Registered, instance: Model) -> Screening | None:
    rows = Screening.objects.select_for_update().filter(
        content_type=content_type_of(entry.model),
        object_id=entry.key_of(instance),
        field=entry.text.name,
        is_current=True,
    )
    return rows.first()


def _live_value(entry: Registered, how: Hide, instance: Model) -> object:
    rows = entry.objects(instance._state.db).filter(pk=entry.key_of(instance))
    return rows.values_list(how.field, flat=True).first()
