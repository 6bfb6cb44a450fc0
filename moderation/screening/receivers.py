"""The receivers of Django's signals: what a site saves is enqueued, and what it deletes is blanked.

No save of the site fails because of them. They do as little as they can, inside the site's transaction and in
a savepoint of their own. What they can't see (`bulk_create`, `update()`, SQL, a crash in between) is found by
`discovery`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import partial
from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db import router, transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_init, post_save

from moderation import metrics, notifier, registry, row_errors
from moderation.db import sqlite
from moderation.db.after_commit import after_commit
from moderation.models import Screening
from moderation.registry import Registered
from moderation.screening import deletions
from moderation.screening.enqueue import enqueue
from moderation.screening.snapshots import current_of, forget
from moderation.visibility import provenance, releasing

logger = logging.getLogger("moderation.screening")

OTHER_DATABASE = "other-database"
_losses = 0
_refused: set[tuple[str, str]] = set()
"""(model, database) of which the log has said that what is saved there is not screened."""


def losses() -> int:
    """How many saves and deletions this process could not note; discovery makes up for them."""
    return _losses


def connect() -> None:
    """Listen to the saves and deletions of the registered models, their children and their proxies.

    Per sender: a receiver of every model's `post_delete` would take fast deletes away from the whole site.
    """
    setting_changed.connect(_reconnect, dispatch_uid="moderation.setting")
    for model in apps.get_models(include_auto_created=False):
        entry = registry.for_model(model)
        by_field = entry is not None and entry.hide is not None and entry.hide.by_field
        for signal, receiver, is_wanted in (
            (post_save, on_save, entry is not None),
            (post_delete, on_delete, entry is not None),
            (post_init, provenance.on_load, by_field),
        ):
            uid = f"moderation.{receiver.__name__}"
            if is_wanted:
                signal.connect(receiver, sender=model, dispatch_uid=uid)
            else:
                signal.disconnect(sender=model, dispatch_uid=uid)
        if by_field:
            provenance.watch(model)


def on_save(
    sender: type[Model],
    instance: Model,
    created: bool = False,
    raw: bool = False,
    using: str = "default",
    update_fields: frozenset[str] | None = None,
    **_: Any,
) -> None:
    """Enqueue the text of what was saved. Fixtures (`raw`) are left to discovery."""
    try:
        entry = None if raw else registry.for_model(sender)
        if entry is None or not _is_looked_for(entry, using):
            return
        if created and deletions.is_noted(entry, entry.key_of(instance)):
            forget(entry, [entry.key_of(instance)])  # another object with the key of one that is gone
        how = entry.hide
        is_shown_or_hidden = how is not None and _was_saved({how.field, how.attname}, instance, update_fields)
        if entry.text.may_have_changed(instance, update_fields):
            look = partial(_enqueue_or_lose, entry, instance, is_new=created, update_fields=update_fields)
        elif is_shown_or_hidden:
            look = partial(_look_or_lose, entry, instance)
        else:
            return

        def make() -> None:
            look()
            if is_shown_or_hidden:
                provenance.on_save(entry, instance, is_new=created)

        if using == router.db_for_write(Screening):
            make()
        else:  # another database: only after its commit is there anything to look at
            after_commit(make, using)
    except BaseException as error:
        _pass_on(error)
        _lose(sender, instance.pk, error)


def on_delete(sender: type[Model], instance: Model, using: str = "default", **_: Any) -> None:
    """Blank the copies of what was deleted, and take it off the queue, once that is committed."""
    try:
        entry = registry.for_model(sender)
        if entry is None or instance.pk is None or using != entry.database:
            return  # a copy elsewhere is not the object that was screened
        deletions.note(entry, entry.key_of(instance), _lose_deletion, using)
    except BaseException as error:
        _pass_on(error)
        _lose(sender, instance.pk, error)


def _enqueue_or_lose(
    entry: Registered, instance: Model, *, is_new: bool, update_fields: Collection[str] | None
) -> None:
    using = router.db_for_write(Screening)
    try:
        screening = enqueue(entry, instance, is_new=is_new, at_save=True, update_fields=update_fields)
    except BaseException as error:
        _pass_on(error)
        _lose(type(instance), instance.pk, error)
        after_commit(partial(_make_up, entry, entry.key_of(instance)), using)
    else:
        if screening is not None:
            after_commit(notifier.notify, using, is_repeatable=False)


def _make_up(entry: Registered, key: str) -> None:
    """Enqueue once more what was lost in the save, after its commit; what fails now is left to discovery."""
    try:
        instance = entry.objects().filter(pk=key).first()
        if instance is not None and enqueue(entry, instance) is not None:
            notifier.notify()
    except BaseException as error:
        _pass_on(error)
        logger.info("%s %s is left to discovery (%s).", entry.label, key, type(error).__name__)


def _look_or_lose(entry: Registered, instance: Model) -> None:
    """Look at an object whose visibility was saved, and whose text was not."""
    try:
        if releasing.is_shown(entry, instance):
            with transaction.atomic(using=router.db_for_write(Screening)):
                current = current_of(entry, instance)
                if current is not None:
                    releasing.look_at_save(entry, instance, current)
    except BaseException as error:
        _pass_on(error)
        _lose(type(instance), instance.pk, error)


def _lose_deletion(entry: Registered, key: str, error: BaseException) -> None:
    _lose(entry.model, key, error)


def _pass_on(error: BaseException) -> None:
    """Raise an error that ends the process: a site's save never fails of any other."""
    if row_errors.ends_the_process(error):
        raise error


def _lose(model: type[Model], key: object, error: BaseException) -> None:
    """Count and log what could not be noted: the kind of error only, as its message quotes rows."""
    global _losses
    _losses += 1
    metrics.count_loss()
    logger.error(
        "moderation.promise-lost: %s %s was not noted for screening (%s); discovery will find it.%s",
        model._meta.label,
        key,
        type(error).__name__,
        sqlite.advice(error),
        extra={"code": "promise-lost", "model": model._meta.label, "object": str(key)},
    )


def _is_looked_for(entry: Registered, using: str) -> bool:
    """True where workers look for objects in the database of this save; logged once where they don't."""
    if using == entry.database:
        return True
    metrics.count_failure(OTHER_DATABASE)
    if (entry.label, using) not in _refused:
        _refused.add((entry.label, using))
        logger.error(
            "moderation.other-database: %s was saved through the database %s and is not screened: only "
            "those in %s are, where the router has the model written.",
            entry.label,
            using,
            entry.database,
            extra={"code": OTHER_DATABASE, "model": entry.label},
        )
    return False


def _was_saved(names: set[str], instance: Model, update_fields: frozenset[str] | None) -> bool:
    """True where the save wrote a column. names: those it goes by; empty: there is no such column."""
    if not any(names) or names & instance.get_deferred_fields():
        return False
    return update_fields is None or bool(names & update_fields)


def _reconnect(*, setting: str, **_: Any) -> None:
    if setting in ("MODERATION", "INSTALLED_APPS"):
        registry.load_setting()
        connect()
