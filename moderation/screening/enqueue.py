"""The promise: each saved text of a registered model becomes a pending screening; no save fails of it.

The receivers do as little as they can, inside the site's transaction and in a savepoint of their own. What
they can't see (`bulk_create`, `update()`, SQL, a crash in between) is found by `discovery`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any

from django.apps import apps
from django.core.signals import setting_changed
from django.db import IntegrityError, router, transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_init, post_save

from moderation import metrics, notifier, registry, row_errors
from moderation.db import sqlite
from moderation.db.after_commit import after_commit
from moderation.models import ModelVersion, Screening
from moderation.registry import Registered
from moderation.screening import deletions
from moderation.screening.snapshots import content_type_of, current_of, forget, new_screening
from moderation.visibility import hiding, means, provenance, releasing, rule
from moderation.visibility.releasing import Overtaken

logger = logging.getLogger("moderation.screening")

PROMISE_TRIES = 3
INHERITED_FROM = (
    *("status", "verdict", "outcome", "queued_for", "released"),
    *("hidden_by_us", "hidden_by", "action_pending"),
)
"""What decides how the screening of an edited text begins."""
OTHER_DATABASE = "other-database"
_losses = 0
_refused: set[tuple[str, str]] = set()
"""(model, database) of which the log has said that what is saved there is not screened."""


def losses() -> int:
    """How many promises this process could not keep at save time; discovery makes up for them."""
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
    """Promise to screen what was saved. Fixtures (`raw`) are left to discovery."""
    try:
        entry = None if raw else registry.for_model(sender)
        if entry is None or not _is_looked_for(entry, using):
            return
        if created and deletions.take_back(entry, entry.key_of(instance)):
            forget(entry, [entry.key_of(instance)])  # another object with the key of one that is gone
        how = entry.hide
        is_shown_or_hidden = how is not None and _was_saved({how.field, how.attname}, instance, update_fields)
        if entry.text.may_have_changed(instance, update_fields):
            look = partial(_promise_or_lose, entry, instance, is_new=created, update_fields=update_fields)
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


def promise(
    entry: Registered,
    instance: Model,
    *,
    is_new: bool = False,
    at_save: bool = False,
    priority: Screening.Priority = Screening.Priority.NORMAL,
    update_fields: Collection[str] | None = None,
    again: bool = False,
) -> Screening | None:
    """Make the text of `instance` its current, pending screening.

    is_new: it was created just now, so nothing earlier is looked for. at_save: the site is saving it, so
    what is to be hidden is hidden at once; otherwise that is left to the worker as a pending action.
    update_fields: of that save. again: also where the current copy was blanked and nobody has judged it.
    None when that text is the current one already, or the site exempts the instance. Raises DatabaseError.
    """
    for tries in range(1, PROMISE_TRIES + 1):
        try:
            make = partial(new_screening, entry, instance, priority, update_fields=update_fields)
            return _promise(entry, instance, make, is_new=is_new, at_save=at_save, again=again)
        except (IntegrityError, Overtaken):
            # Somebody else promised or decided at the same time, or a deleted object's key came back: now it
            # can be seen.
            is_new = False
            if tries == PROMISE_TRIES:
                raise
    raise AssertionError("unreachable")


def fail_unread(entry: Registered, key: str, error_code: str) -> None:
    """Put an object whose text can't be read in the queue, as failed and without a text.

    Once it can be read again, the compare finds another text than the empty one, and that is screened. Does
    nothing where the object has a current screening. Raises DatabaseError.
    """
    fresh = Screening(
        source=Screening.Source.OBJECT,
        content_type=content_type_of(entry),
        object_id=key,
        field=entry.text.name,
        status=Screening.Status.FAILED,
        queued_for=Screening.QueuedFor.FAILED,
        sampling_probability=1.0,
        error_code=error_code,
        failed_version=ModelVersion.objects.filter(is_active=True).defer("manifest", "metrics").first(),
        priority=Screening.Priority.LOW,
    )
    with suppress(IntegrityError), transaction.atomic(using=router.db_for_write(Screening)):
        fresh.save(force_insert=True)


def _promise_or_lose(
    entry: Registered, instance: Model, *, is_new: bool, update_fields: Collection[str] | None
) -> None:
    using = router.db_for_write(Screening)
    try:
        made = promise(entry, instance, is_new=is_new, at_save=True, update_fields=update_fields)
    except BaseException as error:
        _pass_on(error)
        _lose(type(instance), instance.pk, error)
        after_commit(partial(_make_up, entry, entry.key_of(instance)), using)
    else:
        if made is not None:
            after_commit(notifier.notify, using, is_repeatable=False)


def _make_up(entry: Registered, key: str) -> None:
    """Once more for a lost promise, after the commit; what fails now is left to discovery."""
    try:
        objects = entry.model._base_manager.using(entry.database)
        instance = objects.filter(pk=key).first()
        if instance is not None and promise(entry, instance) is not None:
            notifier.notify()
    except BaseException as error:
        _pass_on(error)
        logger.info("%s %s is left to discovery (%s).", entry.label, key, type(error).__name__)


def _look_or_lose(entry: Registered, instance: Model) -> None:
    """Its text was not saved, but whether it is visible was."""
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
    """Raise what ends the process: a site's save never fails of anything else."""
    if row_errors.ends_the_process(error):
        raise error


def _lose(model: type[Model], key: object, error: BaseException) -> None:
    """Count and log a promise that could not be kept: the kind of error only, as its message quotes rows."""
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
    """Whether workers would look for an object in the database that it was saved to; said aloud where not."""
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
    """True: a column was written. names: it goes by each of them; empty: there is none."""
    if not any(names) or names & instance.get_deferred_fields():
        return False
    return update_fields is None or bool(names & update_fields)


def _promise(
    entry: Registered,
    instance: Model,
    make: Callable[[], Screening],
    *,
    is_new: bool,
    at_save: bool,
    again: bool,
) -> Screening | None:
    using = router.db_for_write(Screening)
    with transaction.atomic(using=using):
        fresh = make()
        earlier = None if is_new else current_of(entry, instance)
        if earlier is None and is_exempt(entry, instance):
            return None
        if earlier is not None:
            is_taken_back = earlier.blanked is not None and not (earlier.outcome or earlier.released)
            if earlier.is_of(fresh.text) and not (again and is_taken_back):
                if at_save:
                    releasing.look_at_save(entry, instance, earlier)
                return None
            _inherit(fresh, earlier)
        was_hidden = False
        used = means.in_force(fresh, entry) or entry
        if rule.should_be_hidden(fresh, entry):
            # Before any screening is locked: everybody locks the object first and its screening second.
            was_hidden = at_save and hiding.hide_at_save(used, instance)
            if was_hidden and used.hide is not None:
                fresh.hidden_by_us, fresh.hidden_by = True, means.written(used.hide)
            fresh.action_pending = _needs_worker(used, fresh, earlier, at_save=at_save)
        if earlier is not None:
            _supersede(earlier)
        fresh.save(using=using, force_insert=True)
    if was_hidden and used.hide is not None:
        # The instance in hand, too: a second `save()` of it must not bring the comment back.
        setattr(instance, used.hide.attname, used.hide.hidden)
        provenance.forget(instance)
    return fresh


def _inherit(fresh: Screening, earlier: Screening) -> None:
    fresh.hidden_by_us, fresh.hidden_by = earlier.hidden_by_us, earlier.hidden_by
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


def is_exempt(entry: Registered, instance: Model) -> bool:
    """Only asked for new objects: an edit of a screened one is always looked at."""
    if not entry.exempt:
        return False
    try:
        with transaction.atomic(using=router.db_for_write(Screening)):  # it may query, and fail at it
            return entry.is_exempt(instance)
    except BaseException as error:
        _pass_on(error)
        logger.error(
            "%s raised %s; %s %s is screened like any other.",
            entry.exempt,
            type(error).__name__,
            entry.label,
            instance.pk,
        )
        return False


def _supersede(earlier: Screening) -> None:
    """Raises Overtaken where it is not any more what the new screening inherits from."""
    as_read = {name: getattr(earlier, name) for name in INHERITED_FROM}
    rows = Screening.objects.filter(pk=earlier.pk, is_current=True, **as_read)
    columns: dict[str, Any] = {"is_current": False, "action_pending": False, "text_digest": None}
    if earlier.status == Screening.Status.PENDING:
        columns.update(status=Screening.Status.SUPERSEDED, lease_token=None, lease_until=None)
    if not rows.update(**columns):
        raise Overtaken("Somebody changed the earlier screening meanwhile.")


def _is_held_back(earlier: Screening) -> bool:
    """Whether the edited comment is hidden for what it said: then its new text waits for a person, too."""
    if earlier.released:
        return False
    if earlier.outcome:
        return earlier.outcome == Screening.Outcome.HIDE
    return earlier.queued_for == Screening.QueuedFor.EDITED or earlier.verdict == Screening.Verdict.HELD


def _reconnect(*, setting: str, **_: Any) -> None:
    if setting in ("MODERATION", "INSTALLED_APPS"):
        registry.load_setting()
        connect()
