"""Hide and show, through the registered model, and only what we hid ourselves.

By field it happens in the caller's transaction, after the live text was compared with the screened one. Where
that can't be (a callable of the site, another database, a row that someone else is changing, an error),
`action_pending` is stored and `act` tries again: once after the commit, then with each sweep.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import partial

from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError
from django.db import router, transaction
from django.db.models import Model
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from moderation import row_errors
from moderation.db.locking import locked_if_free, update_if_free
from moderation.isolation import read_committed
from moderation.models import Screening
from moderation.registry import Hide, Registered
from moderation.visibility import means, pending_actions, rule
from moderation.visibility.rule import Step

logger = logging.getLogger("moderation.visibility")

RETRY_OBSTRUCTED_SECONDS = 600
PAUSES = (0.0, 0.1, 0.4)
"""Seconds before each try to note what was done to an object whose screening somebody is changing."""

hand_over: Callable[[int], object] | None = None
"""Carries out what may take long, as a callable of the site does; set in a worker by `action_thread`."""


class _Effect(Enum):
    """What became of the try to hide or show one object."""

    RIGHT = "right"
    CHANGED = "changed"
    BUSY = "busy"
    STALE = "stale"
    GONE = "gone"


def hide(screening: Screening) -> None:
    """Make the screened object invisible; call it in the transaction that decides so."""
    _carry_out([screening], hidden=True)


def show(screening: Screening) -> None:
    """Make the screened object visible again if we hid it; call it in the transaction that decides so."""
    _carry_out([screening], hidden=False)


def apply_all(screenings: Iterable[Screening]) -> None:
    """Hide and show objects as the state of their screenings demands, in a few queries for each model."""
    current = [row for row in screenings if row.is_current]
    to_hide = [row for row in current if rule.should_be_hidden(row, means.registration(row))]
    keys = {row.pk for row in to_hide}
    _carry_out(to_hide, hidden=True)
    _carry_out([row for row in current if row.pk not in keys], hidden=False)


def hide_at_save(entry: Registered, instance: Model) -> bool:
    """Hide, by field, the row of an object that is being saved; returns True where that changed it."""
    how = entry.hide
    if how is None or not how.by_field:
        return False
    rows = entry.objects(instance._state.db).filter(pk=entry.key_of(instance), **{how.field: how.visible})
    return bool(rows.update(**{how.field: how.hidden}))


def is_lost(screening: Screening) -> bool:
    """True where no object can have the key under which this one was screened: nothing is hidden or shown."""
    model = means.model_of(screening)
    return model is not None and not _is_possible(model, screening.object_id)


def obstacle(screening: Screening) -> str:
    """Say in a few words why the object can neither be hidden nor shown from here; empty where it can."""
    model, entry = means.model_of(screening), means.registration(screening)
    if means.in_force(screening, entry) is not None:
        return ""
    if model is None:
        return _("its model is not installed any more")
    if entry is None:
        return _("%(model)s is not registered") % {"model": model._meta.label}
    if entry.hide is None:
        return _('%(model)s is registered without "hide"') % {"model": model._meta.label}
    return _('its text "%(field)s" is no column of %(model)s') % {
        "field": screening.field,
        "model": model._meta.label,
    }


@read_committed()
def act(screening_id: int, *, is_in_time: bool = True) -> bool:
    """Carry out the pending action of one screening; returns False where it has to be tried again.

    is_in_time: True leaves what may take long to `hand_over`, where that is set, and returns False. Raises
    nothing but what ends the process.
    """
    try:
        return _act(screening_id, hand_over if is_in_time else None)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        _fail(screening_id, error)
        return False


def _carry_out(screenings: Sequence[Screening], *, hidden: bool) -> None:
    """Hide, or show, the objects of screenings, those with the same means together."""
    alike: dict[tuple[str, str], tuple[Registered, Hide, list[Screening]]] = {}
    nothing_to_do, obstructed = [], []
    for row in screenings:
        registration = means.registration(row)
        entry = means.in_force(row, registration)
        if not (hidden or row.may_be_hidden_by_us):
            nothing_to_do.append(row)
        elif entry is not None and not _is_possible(entry.model, row.object_id):
            nothing_to_do.append(row)  # there is no such object any more
        elif entry is not None and entry.hide is not None:
            key = (entry.label, means.written(entry.hide))
            alike.setdefault(key, (entry, entry.hide, []))[2].append(row)
        elif row.may_be_hidden_by_us or (registration is None and row.source == Screening.Source.OBJECT):
            # for a worker with newer settings, or a registration that comes back
            obstructed.append(row)
        else:
            nothing_to_do.append(row)  # registered without a way to hide
    _remember(nothing_to_do, pending=False)
    _remember(obstructed, pending=True)
    for entry, how, rows in alike.values():
        if _in_reach(entry, how):
            _change(rows, entry, how, hidden=hidden)
            continue
        _remember(rows, pending=True)
        for row in rows:
            transaction.on_commit(partial(act, row.pk), using=router.db_for_write(Screening), robust=True)


def _change(screenings: Sequence[Screening], entry: Registered, how: Hide, *, hidden: bool) -> None:
    """Hide or show by field, in a savepoint; where one row may be at fault, each is tried by itself."""
    try:
        with transaction.atomic(using=router.db_for_write(Screening)):
            effects = _by_field(screenings, entry, how, hidden=hidden)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        if len(screenings) == 1:
            _remember(screenings, pending=True)
            pending_actions.fail(screenings[0].pk, error)
            return
        for screening in screenings:
            _change([screening], entry, how, hidden=hidden)
        return
    for effect in set(effects.values()):
        _remember(
            [row for row in screenings if effects[row.pk] is effect],
            pending=effect in (_Effect.BUSY, _Effect.STALE),
            hidden_by_us=hidden if effect is _Effect.CHANGED else None,
            how=how,
        )


def _is_possible(model: type[Model], key: str) -> bool:
    """True where the model has keys of the type that this one had when it was noted."""
    try:
        model._meta.pk.get_prep_value(model._meta.pk.to_python(key))
    except (ValidationError, ValueError, TypeError, ArithmeticError):
        return False
    return True


def _in_reach(entry: Registered, how: Hide) -> bool:
    """True where the object can be changed in the screening's own transaction."""
    return how.by_field and entry.database == router.db_for_write(Screening)


def _by_field(
    screenings: Sequence[Screening], entry: Registered, how: Hide, *, hidden: bool
) -> dict[int, _Effect]:
    """Lock the live rows, compare their texts, and change one column where it has the opposite value.

    A row that is locked is left to the sweep: waiting for it could deadlock with a save, which locks the
    object first and the screening second.
    """
    objects = entry.objects()
    rows = objects.filter(pk__in=[row.object_id for row in screenings])
    locked = entry.text.of_rows(locked_if_free(rows), how.field)
    live = {str(key): (key, text, value) for key, text, value in locked}
    before, after = (how.visible, how.hidden) if hidden else (how.hidden, how.visible)
    to_take = Step.HIDE if hidden else Step.SHOW
    effects: dict[int, _Effect] = {}
    to_change = []
    for screening in screenings:
        if screening.object_id not in live:
            continue
        key, text, value = live[screening.object_id]
        if not screening.is_of(text):
            effects[screening.pk] = _Effect.STALE
        elif rule.step(screening, how, value, hidden=hidden) is to_take:
            effects[screening.pk] = _Effect.CHANGED
            to_change.append(key)
        else:
            effects[screening.pk] = _Effect.RIGHT
    if to_change:
        objects.filter(pk__in=to_change, **{how.field: before}).update(**{how.field: after})
    if len(effects) < len(screenings):
        there = {str(key) for key in rows.values_list("pk", flat=True)}
        for screening in screenings:
            is_there = screening.object_id in there
            effects.setdefault(screening.pk, _Effect.BUSY if is_there else _Effect.GONE)
    return effects


def _act(screening_id: int, leave_to: Callable[[int], object] | None) -> bool:
    alias = router.db_for_write(Screening)
    with transaction.atomic(using=alias):
        screening = pending_actions.take(screening_id)
        if screening is None:  # done, or somebody is at it, or changing the screening
            return not Screening.objects.filter(pk=screening_id, action_pending=True).exists()
        registration = means.registration(screening)
        entry = means.in_force(screening, registration)
        hidden = rule.should_be_hidden(screening, registration)
        if not screening.is_current:
            _remember([screening], pending=False)
            return True
        if entry is None or entry.hide is None or _in_reach(entry, entry.hide):
            return _act_here(screening, hidden=hidden)
        if not (hidden or screening.may_be_hidden_by_us) or not _is_possible(
            entry.model, screening.object_id
        ):
            _remember([screening], pending=False)
            return True
        if leave_to is not None:
            transaction.on_commit(partial(leave_to, screening_id), using=alias)
            return False
        # If this process dies between hiding it and noting that, the next try finds it hidden: by us.
        is_first = hidden and not screening.hidden_by_us
        was_tried = bool(screening.hidden_by)
        if is_first:
            _remember([screening], pending=True, hidden_by_us=True, how=entry.hide)
        token = pending_actions.claim(screening)
    # From here on without a transaction: the site's callable may take its time.
    was_called = False
    try:
        step = _out_of_reach(screening, entry, entry.hide, hidden=hidden)
        if isinstance(step, _Effect):
            effect = step
        else:
            was_called = True
            effect = step()
    except BaseException as error:
        is_kept = not is_first or row_errors.ends_the_process(error)
        _let_go(screening_id, token, was_hidden=is_kept, is_unknown=was_called or was_tried)
        raise
    # What an earlier try may have hidden is ours, also where this one finds it hidden.
    is_first = is_first and not was_tried
    note = partial(
        _note, screening_id, token, registration, entry.hide, effect, hidden=hidden, is_first=is_first
    )
    for pause in PAUSES:
        time.sleep(pause)
        is_right = note()
        if is_right is not None:
            return is_right
    return False  # the process that holds the screening replaces it, or the claim runs out


def _act_here(screening: Screening, *, hidden: bool) -> bool:
    _carry_out([screening], hidden=hidden)
    if not screening.action_pending:
        pending_actions.done(screening.pk)
    elif obstacle(screening):
        pending_actions.put_off(screening.pk, RETRY_OBSTRUCTED_SECONDS)
    return not screening.action_pending


def _let_go(screening_id: int, token: uuid.UUID, *, was_hidden: bool, is_unknown: bool) -> None:
    """Give the claim back after an error.

    is_unknown: True where the site was called: an API may have hidden the object before its answer was lost.
    What it was called with stays noted then, so that a person's *show* calls it again.
    """
    own = Screening.objects.filter(pk=screening_id, action_token=token)
    columns: dict[str, object] = {} if was_hidden else {"hidden_by_us": False}
    if not (was_hidden or is_unknown):
        columns["hidden_by"] = ""
    update_if_free(own, action_token=None, action_until=None, **columns)


def _note(
    screening_id: int,
    token: uuid.UUID,
    registration: Registered | None,
    how: Hide,
    effect: _Effect,
    *,
    hidden: bool,
    is_first: bool,
) -> bool | None:
    """Store what was done to the object; returns whether it is what is wanted now.

    Returns None where somebody is changing the screening. What was done is noted whatever was decided
    meanwhile, even if that took the pending action back; where a person wanted otherwise the action stays
    pending. Where this took so long that another process has taken over, only a change is noted.
    """
    with transaction.atomic(using=router.db_for_write(Screening)):
        rows = Screening.objects.filter(pk=screening_id)
        now = locked_if_free(rows).first()
        if now is None:
            return None if rows.exists() else True
        is_wanted = rule.should_be_hidden(now, registration) == hidden
        is_right = is_wanted and effect not in (_Effect.BUSY, _Effect.STALE)
        is_mine = now.action_token == token
        is_ours = hidden if effect is _Effect.CHANGED else (False if is_first and is_mine else None)
        if effect is _Effect.RIGHT and not hidden and not now.hidden_by_us:
            is_ours = False  # an earlier try to hide it had not hidden it, or somebody has shown it since
        is_left = not is_right if is_mine else now.action_pending or not is_wanted
        _remember([now], pending=is_left, hidden_by_us=is_ours, how=how)
        if is_mine:
            rows.update(action_token=None, action_until=None)
            pending_actions.done(screening_id)
    return is_right


def _fail(screening_id: int, error: BaseException) -> None:
    try:
        pending_actions.fail(screening_id, error)
    except DatabaseError as also:
        logger.error("Screening %s: and the database is away (%s).", screening_id, _name(also))


def _out_of_reach(
    screening: Screening, entry: Registered, how: Hide, *, hidden: bool
) -> _Effect | Callable[[], _Effect]:
    """Return what was done or found, or, where only the site can do it, the call that does."""
    if how.by_field:
        with transaction.atomic(using=entry.database):
            return _by_field([screening], entry, how, hidden=hidden)[screening.pk]
    return _by_callable(screening, entry, how, hidden=hidden)


def _by_callable(
    screening: Screening, entry: Registered, how: Hide, *, hidden: bool
) -> _Effect | Callable[[], _Effect]:
    instance = entry.objects().filter(pk=screening.object_id).first()
    if instance is None:
        return _Effect.GONE
    if not screening.is_of(entry.text_of(instance)):
        return _Effect.STALE
    site = import_string(how.hide if hidden else how.show)
    return lambda: _Effect.RIGHT if site(instance) is False else _Effect.CHANGED


def _remember(
    screenings: Iterable[Screening],
    *,
    pending: bool,
    hidden_by_us: bool | None = None,
    how: Hide | None = None,
) -> None:
    """Store which actions are still pending, whether it is we who hide the objects, and by what means."""
    changed: dict[tuple[bool, str], list[Screening]] = {}
    for row in screenings:
        ours, by = row.hidden_by_us, row.hidden_by
        if hidden_by_us is not None:
            ours, by = hidden_by_us, means.written(how) if hidden_by_us and how is not None else ""
        if (row.action_pending, row.hidden_by_us, row.hidden_by) != (pending, ours, by):
            row.action_pending, row.hidden_by_us, row.hidden_by = pending, ours, by
            changed.setdefault((ours, by), []).append(row)
    for (ours, by), rows in changed.items():
        keys = [row.pk for row in rows]
        rest = {} if pending else {"action_attempts": 0}
        Screening.objects.filter(pk__in=keys).update(
            action_pending=pending, hidden_by_us=ours, hidden_by=by, **rest
        )


def _name(error: BaseException) -> str:
    return type(error).__name__
