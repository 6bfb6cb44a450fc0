"""Screens or withdraws single objects for a site's own code: `moderation.screen`, `moderation.withdraw`."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import router, transaction
from django.db.models import Model

from moderation import notifier, registry
from moderation.clock import Now
from moderation.db.after_commit import after_commit
from moderation.models import Screening
from moderation.models.content_types import content_type_of
from moderation.registry import Registered
from moderation.review import settling
from moderation.screening import nudged
from moderation.screening.enqueue import enqueue
from moderation.screening.snapshots import current_of


class NotModerated(LookupError):
    """Raised for an object whose model is not registered; nothing was done."""


def screen(objects: Iterable[Model]) -> int:
    """Have saved objects screened as soon as a worker is free; how many were not screened as they are.

    For what no `save()` told moderation of: `bulk_create`, `update()`, SQL, and for what `withdraw` took
    back. In a transaction they are noted with it. Raises NotModerated, DatabaseError, and what an object
    raises when its text is read.
    """
    made = 0
    for instance in objects:
        entry = _entry(instance)
        saved = entry.objects().get(pk=entry.key_of(instance))
        nudged.mark(saved, nudged.answer_of(instance))
        made += enqueue(entry, saved, again=True) is not None
        nudged.forget(instance)
    if made:
        after_commit(notifier.notify, router.db_for_write(Screening), is_repeatable=False)
    return made


def withdraw(instance: Model) -> bool:
    """Take back the copies of an object's text, as deleting it does; True if there was one to take back.

    For soft deletes: the object stays in the database, and nobody is to read or judge it any more. The copies
    are blanked and it leaves the queue; scores, decisions and whether it is hidden stay. An edit of it is
    screened again, and so is what `screen` is called with. Raises NotModerated, DatabaseError, and what the
    object raises when its text is read.
    """
    entry = _entry(instance)
    with transaction.atomic(using=router.db_for_write(Screening)):
        if current_of(entry, instance) is None:
            _note_unseen(entry, instance)
        copies = Screening.objects.select_for_update().filter(
            content_type=content_type_of(entry.model), object_id=entry.key_of(instance), blanked=None
        )
        rows = list(copies)
        settling.blank_words(row.pk for row in rows)
        for row in rows:
            is_unscored = row.status in (Screening.Status.PENDING, Screening.Status.FAILED)
            Screening.objects.filter(pk=row.pk).update(
                text="",
                text_key="",
                author_name="",
                # The comparison tells by it that the object was not edited since.
                text_digest=row.digest() if row.is_current else None,
                blanked=Now(),
                status=Screening.Status.SUPERSEDED if is_unscored else row.status,
                queued_for=row.queued_for if row.outcome else "",
                lease_token=None,
                lease_until=None,
                retry_at=None,
            )
    return bool(rows)


def _note_unseen(entry: Registered, instance: Model) -> None:
    """Give an object without a screening one to withdraw, or the comparison would enqueue it."""
    saved = entry.objects().filter(pk=entry.key_of(instance)).first()
    if saved is not None:
        enqueue(entry, saved)


def _entry(instance: Model) -> Registered:
    entry = registry.for_model(type(instance))
    if entry is None:
        raise NotModerated(f"{type(instance)._meta.label} is not registered for moderation.")
    return entry
