"""Hide and show, through the registered model, and only what we hid ourselves.

By field it happens in the caller's transaction, after the live text was compared with the screened one. Where
that can't be (a callable of the site, another database, a row that someone else is changing, an error),
`action_pending` is stored and `act` tries again: once after the commit, then with each sweep.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from enum import Enum
from functools import partial

from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connections, router, transaction
from django.db.models import Model, Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from moderation import registry
from moderation.models import Screening
from moderation.registry import Hide, Registered
from moderation.text_keys import storable

logger = logging.getLogger("moderation.visibility")

RETRY_AFTER = timedelta(seconds=60)


class _Found(Enum):
    """What a look at the live object found, or what was done about it."""

    RIGHT = "right"
    CHANGED = "changed"
    BUSY = "busy"
    STALE = "stale"
    GONE = "gone"


def hide(screening: Screening) -> None:
    """Make the screened object invisible; call it in the transaction that decides so."""
    _carry_out(screening, hidden=True)


def show(screening: Screening) -> None:
    """Make the screened object visible again if we hid it; call it in the transaction that decides so."""
    _carry_out(screening, hidden=False)


def apply(screening: Screening) -> None:
    """Hide or show, whichever the screening's state asks for."""
    entry = registration(screening)
    if entry is not None and screening.is_current:
        _carry_out(screening, hidden=should_be_hidden(screening, entry))


def should_be_hidden(screening: Screening, entry: Registered) -> bool:
    """Whether the object is to be invisible now. A person's outcome goes before everything else."""
    if screening.outcome:
        return screening.outcome == Screening.Outcome.HIDE
    if screening.queued_for == Screening.QueuedFor.EDITED:
        return True
    if screening.status == Screening.Status.DONE:
        return screening.verdict == Screening.Verdict.HELD
    return entry.while_pending == "hide"


def hide_at_save(entry: Registered, instance: Model) -> bool:
    """Hide, by field, the row of an object that is being saved right now; True if that changed anything."""
    if entry.hide is None or not entry.hide.by_field:
        return False
    name, hidden, visible = entry.hide.field, entry.hide.hidden, entry.hide.visible
    using = instance._state.db or router.db_for_write(entry.model)
    rows = entry.model._base_manager.using(using).filter(pk=entry.key_of(instance), **{name: visible})
    return bool(rows.update(**{name: hidden}))


def act(screening_id: int) -> bool:
    """Carry out what is pending for one screening; False where it has to be tried again. Never raises."""
    try:
        return _act(screening_id)
    except Exception as error:
        logger.error(
            "Screening %s: visibility not changed (%s), to be tried again.", screening_id, _name(error)
        )
        try:
            idle = Screening.objects.filter(pk=screening_id, lease_token=None)
            idle.update(lease_until=Now() + RETRY_AFTER)
        except DatabaseError as also:
            logger.error("Screening %s: and the database is away (%s).", screening_id, _name(also))
        return False


def actions_due(limit: int) -> list[int]:
    """Ids of screenings whose action is pending and not put off, oldest first."""
    due = Screening.objects.filter(Q(lease_until=None) | Q(lease_until__lt=Now()), action_pending=True)
    due = due.exclude(status=Screening.Status.PENDING, lease_token__isnull=False)
    return list(due.order_by("id").values_list("pk", flat=True)[:limit])


def registration(screening: Screening) -> Registered | None:
    """How the screened object is moderated, or None: not an object, or not registered any more."""
    if screening.source != Screening.Source.OBJECT or screening.content_type_id is None:
        return None
    model = ContentType.objects.get_for_id(screening.content_type_id).model_class()
    return None if model is None else registry.get(model._meta.label)


def _carry_out(screening: Screening, *, hidden: bool) -> None:
    entry = registration(screening)
    if entry is None or entry.hide is None or (not hidden and not screening.hidden_by_us):
        _remember(screening, pending=False)
    elif not _in_reach(entry, entry.hide):
        _remember(screening, pending=True)
        alias = router.db_for_write(Screening)
        transaction.on_commit(partial(act, screening.pk), using=alias, robust=True)
    else:
        try:
            with transaction.atomic(using=router.db_for_write(Screening)):
                found = _by_field(screening, entry, entry.hide, hidden=hidden)
        except DatabaseError as error:
            logger.error("Screening %s: visibility not changed (%s).", screening.pk, _name(error))
            found = _Found.BUSY
        _remember(
            screening,
            pending=found in (_Found.BUSY, _Found.STALE),
            hidden_by_us=hidden if found is _Found.CHANGED else None,
        )


def _in_reach(entry: Registered, how: Hide) -> bool:
    """Whether the object can be changed in the screening's own transaction."""
    return how.by_field and router.db_for_write(entry.model) == router.db_for_write(Screening)


def _by_field(screening: Screening, entry: Registered, how: Hide, *, hidden: bool) -> _Found:
    """Lock the live row, compare its text, and change its one column if it has the opposite value.

    A row that is locked is left to the sweep: waiting for it could deadlock with a save, which locks the
    object first and the screening second.
    """
    using = router.db_for_write(entry.model)
    rows = entry.model._base_manager.using(using).filter(pk=screening.object_id)
    can_skip = connections[using].features.has_select_for_update_skip_locked
    locked = rows.select_for_update(skip_locked=can_skip).values_list(entry.text, how.field).first()
    if locked is None:
        return _Found.BUSY if rows.exists() else _Found.GONE
    live, value = locked
    if as_screened(live) != screening.text:
        return _Found.STALE
    before, after = (how.visible, how.hidden) if hidden else (how.hidden, how.visible)
    if value != before:
        return _Found.RIGHT
    rows.update(**{how.field: after})
    return _Found.CHANGED


def as_screened(live: object) -> str:
    """A live text as its screening would hold it."""
    return "" if live is None else storable(str(live))


def _act(screening_id: int) -> bool:
    alias = router.db_for_write(Screening)
    with transaction.atomic(using=alias):
        screening = _locked(screening_id)
        if screening is None:
            return True
        entry = registration(screening)
        if entry is None or entry.hide is None or not screening.is_current:
            _remember(screening, pending=False)
            return True
        hidden = should_be_hidden(screening, entry)
        if _in_reach(entry, entry.hide):
            _carry_out(screening, hidden=hidden)
            return not screening.action_pending
        if not hidden and not screening.hidden_by_us:
            _remember(screening, pending=False)
            return True
    # From here on without a transaction: the site's callable may take its time.
    if entry.hide.by_field:
        with transaction.atomic(using=router.db_for_write(entry.model)):
            found = _by_field(screening, entry, entry.hide, hidden=hidden)
    else:
        found = _by_callable(screening, entry, entry.hide, hidden=hidden)
    with transaction.atomic(using=alias):
        # Whatever was decided meanwhile, and even if that took the pending action back: what was done to the
        # object is noted, and where a person wanted otherwise it stays pending.
        now = Screening.objects.select_for_update().filter(pk=screening_id).first()
        if now is None:
            return True
        is_right = should_be_hidden(now, entry) == hidden and found not in (_Found.BUSY, _Found.STALE)
        _remember(now, pending=not is_right, hidden_by_us=hidden if found is _Found.CHANGED else None)
    return is_right


def _by_callable(screening: Screening, entry: Registered, how: Hide, *, hidden: bool) -> _Found:
    using = router.db_for_write(entry.model)
    instance = entry.model._base_manager.using(using).filter(pk=screening.object_id).first()
    if instance is None:
        return _Found.GONE
    if as_screened(getattr(instance, entry.text)) != screening.text:
        return _Found.STALE
    changed = import_string(how.hide if hidden else how.show)(instance)
    return _Found.RIGHT if changed is False else _Found.CHANGED


def _locked(screening_id: int) -> Screening | None:
    rows = Screening.objects.select_for_update().filter(pk=screening_id, action_pending=True)
    return rows.first()


def _remember(screening: Screening, *, pending: bool, hidden_by_us: bool | None = None) -> None:
    """Store what is left to do, and whether it is now us who hide the object, where that changed."""
    if hidden_by_us is None:
        hidden_by_us = screening.hidden_by_us
    if (screening.action_pending, screening.hidden_by_us) != (pending, hidden_by_us):
        screening.action_pending, screening.hidden_by_us = pending, hidden_by_us
        Screening.objects.filter(pk=screening.pk).update(action_pending=pending, hidden_by_us=hidden_by_us)


def _name(error: BaseException) -> str:
    return type(error).__name__
