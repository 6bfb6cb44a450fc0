"""The promise: each saved text of a registered model becomes a pending screening; no save fails of it.

The receivers do as little as they can, inside the site's transaction and in a savepoint of their own. What
they can't see (`bulk_create`, `update()`, SQL, a crash in between) is found by `discovery`.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.signals import setting_changed
from django.db import IntegrityError, router, transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from moderation import doorbell, registry, visibility
from moderation.conf import conf
from moderation.models import Screening
from moderation.registry import Registered
from moderation.text_keys import text_key

logger = logging.getLogger("moderation.screening")

_losses = 0


def losses() -> int:
    """How many promises this process could not keep at save time; discovery makes up for them."""
    return _losses


def connect() -> None:
    """Listen to the saves and deletions of the registered models, their children and their proxies.

    Per sender: a receiver of every model's `post_delete` would take fast deletes away from the whole site.
    """
    setting_changed.connect(_reconnect, dispatch_uid="moderation.setting")
    for model in apps.get_models(include_auto_created=False):
        covered = registry.for_model(model) is not None
        for signal, receiver in ((post_save, on_save), (post_delete, on_delete)):
            uid = f"moderation.{receiver.__name__}"
            if covered:
                signal.connect(receiver, sender=model, dispatch_uid=uid)
            else:
                signal.disconnect(sender=model, dispatch_uid=uid)


def on_save(
    sender: type[Model],
    instance: Model,
    created: bool = False,
    raw: bool = False,
    using: str = "default",
    update_fields: frozenset[str] | None = None,
    **_: Any,
) -> None:
    """Promise to screen what was saved. Fixtures (`raw`) are left to discovery."""
    try:
        entry = None if raw else registry.for_model(sender)
        if entry is None or not _text_was_saved(entry, instance, update_fields):
            return
        make = partial(_promise_or_lose, entry, instance, is_new=created)
        if using == router.db_for_write(Screening):
            make()
        else:  # another database: only after its commit is there anything to look at
            transaction.on_commit(make, using=using, robust=True)
    except Exception as error:
        _lose(sender, instance.pk, error)


def on_delete(sender: type[Model], instance: Model, using: str = "default", **_: Any) -> None:
    """Blank the copies of what was deleted, and take it off the queue."""
    try:
        entry = registry.for_model(sender)
        if entry is None or instance.pk is None:
            return
        key = entry.key_of(instance)
        if using == router.db_for_write(Screening):
            _forget_or_lose(entry, key)
        else:
            transaction.on_commit(partial(_forget_or_lose, entry, key), using=using, robust=True)
    except Exception as error:
        _lose(sender, instance.pk, error)


def promise(
    entry: Registered,
    instance: Model,
    *,
    is_new: bool = False,
    at_save: bool = False,
    priority: Screening.Priority = Screening.Priority.NORMAL,
) -> Screening | None:
    """Make the text of `instance` its current, pending screening.

    is_new: it was created just now, so nothing earlier is looked for. at_save: the site is saving it, so
    what is to be hidden is hidden at once; otherwise that is left to the worker as a pending action.
    None when that text is the current one already, or the site exempts the instance. Raises DatabaseError.
    """
    try:
        return _promise(entry, instance, is_new=is_new, at_save=at_save, priority=priority)
    except IntegrityError:
        # Somebody else promised at the same time, or a deleted object's key came back: now it can be seen.
        return _promise(entry, instance, is_new=False, at_save=at_save, priority=priority)


def forget(entry: Registered, key: str) -> int:
    """Blank every copy of an object's text and end its screenings; how many rows that were."""
    using = router.db_for_write(Screening)
    content_type = ContentType.objects.db_manager(using).get_for_model(entry.model)
    with transaction.atomic(using=using):
        rows = Screening.objects.using(using).filter(content_type=content_type, object_id=key)
        pending = rows.filter(status=Screening.Status.PENDING)
        pending.update(status=Screening.Status.SUPERSEDED, lease_token=None, lease_until=None)
        return rows.filter(blanked=None).update(
            text="", text_key="", blanked=timezone.now(), is_current=False, action_pending=False
        )


def _promise_or_lose(entry: Registered, instance: Model, *, is_new: bool) -> None:
    try:
        made = promise(entry, instance, is_new=is_new, at_save=True)
        if made is not None:
            transaction.on_commit(doorbell.ring, using=router.db_for_write(Screening), robust=True)
    except Exception as error:
        _lose(type(instance), instance.pk, error)


def _forget_or_lose(entry: Registered, key: str) -> None:
    try:
        forget(entry, key)
    except Exception as error:
        _lose(entry.model, key, error)


def _lose(model: type[Model], key: object, error: Exception) -> None:
    """Count and log a promise that could not be kept: the kind of error only, as its message quotes rows."""
    global _losses
    _losses += 1
    logger.error(
        "moderation.promise-lost: %s %s was not noted for screening (%s); the sweep will find it.",
        model._meta.label,
        key,
        type(error).__name__,
    )


def _text_was_saved(entry: Registered, instance: Model, update_fields: frozenset[str] | None) -> bool:
    if entry.text in instance.get_deferred_fields():
        return False
    return update_fields is None or entry.text in update_fields


def _new_screening(entry: Registered, instance: Model, using: str, priority: Screening.Priority) -> Screening:
    live = getattr(instance, entry.text)
    if hasattr(live, "resolve_expression"):  # saved as an expression: only the database knows the text
        live = entry.model._base_manager.values_list(entry.text, flat=True).get(pk=entry.key_of(instance))
    text = visibility.as_screened(live)
    return Screening(
        source=Screening.Source.OBJECT,
        content_type=ContentType.objects.db_manager(using).get_for_model(entry.model),
        object_id=entry.key_of(instance),
        field=entry.text,
        text=text,
        text_key=text_key(text, conf.TEXT_KEY_SECRET),
        author_key=_author_key(entry, instance),
        priority=priority,
    )


def _author_key(entry: Registered, instance: Model) -> str:
    if not entry.author:
        return ""
    attribute = getattr(instance._meta.get_field(entry.author), "attname", entry.author)
    value = getattr(instance, attribute)
    return "" if value is None else visibility.as_screened(value)[:255]


def _current(fresh: Screening, using: str) -> Screening | None:
    rows: QuerySet[Screening] = Screening.objects.using(using).filter(
        content_type=fresh.content_type, object_id=fresh.object_id, field=fresh.field, is_current=True
    )
    return rows.first()


def _promise(
    entry: Registered, instance: Model, *, is_new: bool, at_save: bool, priority: Screening.Priority
) -> Screening | None:
    using = router.db_for_write(Screening)
    with transaction.atomic(using=using):
        fresh = _new_screening(entry, instance, using, priority)
        earlier = None if is_new else _current(fresh, using)
        if earlier is None and _is_exempt(entry, instance):
            return None
        if earlier is not None:
            if earlier.text == fresh.text:
                return None
            _inherit(fresh, earlier)
        was_hidden = False
        if visibility.should_be_hidden(fresh, entry):
            # Before any screening is locked: everybody locks the object first and its screening second.
            was_hidden = at_save and visibility.hide_at_save(entry, instance)
            fresh.hidden_by_us = fresh.hidden_by_us or was_hidden
            fresh.action_pending = _needs_worker(entry, fresh, earlier, at_save=at_save)
        if earlier is not None:
            _supersede(earlier, using)
        fresh.save(using=using, force_insert=True)
    if was_hidden and entry.hide is not None:
        # The instance in hand, too: a second `save()` of it must not bring the comment back.
        setattr(instance, entry.hide.field, entry.hide.hidden)
    return fresh


def _inherit(fresh: Screening, earlier: Screening) -> None:
    fresh.hidden_by_us = earlier.hidden_by_us
    if _is_held_back(earlier):
        fresh.queued_for = Screening.QueuedFor.EDITED
        fresh.severity = max(earlier.severity, 0.0)
        fresh.sampling_probability = 1.0


def _needs_worker(entry: Registered, fresh: Screening, earlier: Screening | None, *, at_save: bool) -> bool:
    """Whether hiding is left to the worker: a save can't wait for a callable of the site."""
    if entry.hide is None:
        return False
    if entry.hide.by_field:
        return not at_save
    return not fresh.hidden_by_us or (earlier is not None and earlier.action_pending)


def _is_exempt(entry: Registered, instance: Model) -> bool:
    """Only asked for new objects: an edit of a screened one is always looked at."""
    if not entry.exempt:
        return False
    try:
        with transaction.atomic(using=router.db_for_write(Screening)):  # it may query, and fail at it
            return entry.is_exempt(instance)
    except Exception as error:
        logger.error(
            "%s raised %s; %s %s is screened like any other.",
            entry.exempt,
            type(error).__name__,
            entry.label,
            instance.pk,
        )
        return False


def _supersede(earlier: Screening, using: str) -> None:
    rows = Screening.objects.using(using).filter(pk=earlier.pk, is_current=True)
    columns: dict[str, Any] = {"is_current": False, "action_pending": False}
    if earlier.status == Screening.Status.PENDING:
        columns.update(status=Screening.Status.SUPERSEDED, lease_token=None, lease_until=None)
    rows.update(**columns)


def _is_held_back(earlier: Screening) -> bool:
    """Whether the edited comment is hidden for what it said: then its new text waits for a person, too."""
    if earlier.outcome:
        return earlier.outcome == Screening.Outcome.HIDE
    return earlier.queued_for == Screening.QueuedFor.EDITED or earlier.verdict == Screening.Verdict.HELD


def _reconnect(*, setting: str, **_: Any) -> None:
    if setting in ("MODERATION", "INSTALLED_APPS"):
        registry.load_setting()
        connect()
