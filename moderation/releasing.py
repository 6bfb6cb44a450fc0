"""What we hid and somebody else shows again: an accident is undone, a decision stands.

An object that was loaded before we hid it carries the old, visible value, and a full `save()` of it writes
that back: an accident, which is hidden again in the same save. An object that was loaded hidden and is saved
visible was shown by somebody who knew: the site's own moderator, in the site's own admin. That is noted as a
release, and no machine hides this text again.

Behind the ORM (`update()`, SQL) the two look alike. The comparison hides such an object again once, and says
so in the audit trail; shown a second time, it stays. Code of the site that shows objects on a person's word
without `save()` says so with `release`. All of this is about hiding by field: of a site's callables nobody
can tell what is hidden now.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType
from django.db import router, transaction
from django.db.models import Model
from django.utils import timezone

from moderation import registry, visibility
from moderation.models import AuditEntry, Screening
from moderation.registry import Hide, Registered

logger = logging.getLogger("moderation.visibility")

RELEASED = "visibility.released"
HIDDEN_AGAIN = "visibility.hidden_again"


def release(instance: Model, *, user: AbstractBaseUser | None = None) -> bool:
    """Show what moderation hid, on a person's word; no machine hides this text again.

    For the site's own moderation pages. user: who says so, for the audit trail. False where nothing of ours
    hides it. The item stays in the queue, for a person to say what the model got wrong. Raises DatabaseError.
    """
    entry = registry.for_model(type(instance))
    if entry is None:
        return False
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = _locked(entry, instance)
        if screening is None or screening.released or not _is_to_hide(screening, entry):
            return False
        visibility.show(screening)
        # By a callable it is shown after the commit, and only while it counts as hidden by us.
        _note_release(screening, is_shown=not screening.action_pending, user=user)
    if entry.hide is not None and entry.hide.by_field:
        setattr(instance, entry.hide.field, entry.hide.visible)  # or its next save would hide it again
    return True


def on_load(sender: type[Model], instance: Model, **_: Any) -> None:
    """Remember that an instance was hidden when it was loaded. Runs for every instance: it must be cheap."""
    entry = registry.for_model(sender)
    how = entry.hide if entry is not None else None
    if how is not None and instance.__dict__.get(how.field, _MISSING) == how.hidden:
        instance._state.was_loaded_hidden = True  # type: ignore[attr-defined]


def is_shown(entry: Registered, instance: Model) -> bool:
    """Whether the instance in hand says that the object is visible. Asks no database."""
    how = entry.hide
    return how is not None and how.by_field and instance.__dict__.get(how.field, _MISSING) == how.visible


def look_at_save(entry: Registered, instance: Model, screening: Screening) -> None:
    """An instance with an unchanged text is being saved: does that bring back what is to be hidden?

    Call it in a transaction. screening: its current one.
    """
    how = entry.hide
    if how is None or not screening.hidden_by_us or not is_shown(entry, instance):
        return
    if not _is_to_hide(screening, entry):
        return
    if getattr(instance._state, "was_loaded_hidden", False):
        if _live_value(entry, how, instance) == how.visible:
            _note_release(screening, is_shown=True, user=None)
    elif visibility.hide_at_save(entry, instance):
        setattr(instance, how.field, how.hidden)
        logger.info("Screening %s: a stale save showed the object; it is hidden again.", screening.pk)


def hide_again(entry: Registered, screenings: Sequence[Screening]) -> int:
    """Hide what was shown behind the ORM, or take the second time for a decision; how many were hidden.

    Raises DatabaseError.
    """
    how = entry.hide
    if how is None or not how.by_field:
        return 0
    ours = {row.object_id: row.pk for row in screenings if row.hidden_by_us and _is_to_hide(row, entry)}
    if not ours:
        return 0
    rows = entry.model._base_manager.using(router.db_for_write(entry.model)).filter(pk__in=list(ours))
    shown = rows.filter(**{how.field: how.visible}).values_list("pk", flat=True)
    return sum(_hide_again(entry, ours[str(key)]) for key in shown)


_MISSING = object()


def _hide_again(entry: Registered, screening_id: int) -> bool:
    with transaction.atomic(using=router.db_for_write(Screening)):
        rows = Screening.objects.select_for_update()
        row = rows.filter(pk=screening_id, is_current=True, hidden_by_us=True, action_pending=False).first()
        if row is None or not _is_to_hide(row, entry):
            return False
        target = {"target_type": "screening", "target_id": str(row.pk)}
        if AuditEntry.objects.filter(action=HIDDEN_AGAIN, **target).exists():
            _note_release(row, is_shown=True, user=None)
            return False
        visibility.hide(row)
        AuditEntry.objects.create(action=HIDDEN_AGAIN, **target, after={"hidden_by_us": True})
        return True


def _is_to_hide(screening: Screening, entry: Registered) -> bool:
    return visibility.should_be_hidden(screening, entry)


def _note_release(screening: Screening, *, is_shown: bool, user: AbstractBaseUser | None) -> None:
    columns: dict[str, Any] = {"released": timezone.now()}
    if is_shown:
        columns.update(hidden_by_us=False, action_pending=False)
    Screening.objects.filter(pk=screening.pk).update(**columns)
    AuditEntry.objects.create(
        action=RELEASED,
        user=user,  # type: ignore[misc]  # whatever AUTH_USER_MODEL is
        username=user.get_username() if user else "",
        target_type="screening",
        target_id=str(screening.pk),
        before={"verdict": screening.verdict, "outcome": screening.outcome},
        after={"released": True},
    )


def _locked(entry: Registered, instance: Model) -> Screening | None:
    content_types = ContentType.objects.db_manager(router.db_for_write(Screening))
    rows = Screening.objects.select_for_update().filter(
        content_type=content_types.get_for_model(entry.model),
        object_id=entry.key_of(instance),
        field=entry.text.name,
        is_current=True,
    )
    return rows.first()


def _live_value(entry: Registered, how: Hide, instance: Model) -> object:
    rows = entry.model._base_manager.using(instance._state.db or router.db_for_write(entry.model))
    return rows.filter(pk=entry.key_of(instance)).values_list(how.field, flat=True).first()
