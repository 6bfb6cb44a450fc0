"""Finds what no receiver saw: rows of `bulk_create`, `update()`, SQL, or a crash right after a save.

Every sweep finds new keys above a watermark, where keys grow. A comparison finds everything else (texts
changed behind the ORM, rows deleted in SQL, models with other keys): it goes through all rows once in
`COMPARE_HOURS`, a slice with each sweep. Keys that do not grow tell nothing of before and after: the first
comparison of such a model screens what was there before moderation was, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, router, transaction
from django.db.models import Max
from django.utils import timezone

from moderation import metrics, registry
from moderation.clock import Now, unset_or_before
from moderation.conf import conf
from moderation.db.locking import free_of
from moderation.discovery.compare import reconcile_each
from moderation.models import Discovery, Screening
from moderation.registry import Registered
from moderation.row_errors import code, ends_the_process, stepping_over
from moderation.screening import authorship
from moderation.screening.claim import retry_read
from moderation.screening.enqueue import enqueue, fail_unread
from moderation.screening.snapshots import adopted, current_screenings, screenings_of_any_text
from moderation.visibility.releasing import hide_again

logger = logging.getLogger("moderation.screening")

CHUNK = 500
BEFORE_ALL = -(2**63)
"""A mark below every key: nothing counts as seen when discovery began."""
CHUNKS_OF_A_SLICE = 10
"""Chunks of the comparison in one sweep."""
CHUNKS_OF_A_SWEEP = 40
"""Chunks above the watermark in one sweep; after a mass import the next sweeps go on."""


@dataclass
class Found:
    """Counts of what discovery found."""

    new: int = 0
    """Objects without a screening."""
    edited: int = 0
    """Texts that differ from the screened ones."""
    gone: int = 0
    """Objects that are no more."""
    shown: int = 0
    """Objects that were hidden by us and shown behind the ORM; hidden again."""


def discover() -> Found:
    """Look above the watermark of every registered model, and go on with its comparison when that is due."""
    counts = Found()
    for entry in registry.registered():
        try:
            state = remember_start(entry)
            if entry.has_growing_keys:
                _look_above_watermark(entry, state, counts)
            _compare_slice(entry, state, counts)
        except BaseException as error:  # one model's trouble is not the others'; its message may quote a row
            if ends_the_process(error):
                raise
            logger.error("Discovery of %s failed (%s), to be tried again.", entry.label, type(error).__name__)
    return counts


def remember_start(entry: Registered) -> Discovery:
    """Return the state of a model's discovery; the first time, what is there already is noted as seen."""
    of_model = Discovery.objects.filter(model_label=entry.label)
    stored = of_model.filter(field=entry.text.name).first()
    if stored is not None:
        return stored
    earlier = of_model.order_by("-id").first()  # its text was registered under another name
    if earlier is not None:
        marks = ("start", "watermark", "seen", "objects_after", "screenings_after", "compared")
        return Discovery.objects.create(
            model_label=entry.label,
            field=entry.text.name,
            **{name: getattr(earlier, name) for name in marks},
        )
    highest = BEFORE_ALL
    if entry.has_growing_keys:
        maximum = entry.objects().aggregate(highest=Max("pk"))["highest"]
        highest = BEFORE_ALL if maximum is None else maximum
    state, _ = Discovery.objects.get_or_create(
        model_label=entry.label,
        field=entry.text.name,
        defaults={"start": highest, "watermark": highest, "seen": highest, "compared": timezone.now()},
    )
    return state


def remember_starts(**_: Any) -> None:
    """Note after `migrate` each model's highest key, so that nothing added from now on is taken for old."""
    for entry in registry.registered():
        try:
            with transaction.atomic(using=router.db_for_write(Discovery)):
                remember_start(entry)
        except DatabaseError:
            continue  # its table comes with a later migration; the first sweep makes up for it


def include_existing() -> None:
    """Have the next sweeps also screen what was there before moderation was."""
    for entry in registry.registered():
        remember_start(entry)
    Discovery.objects.update(
        start=BEFORE_ALL, watermark=BEFORE_ALL, seen=BEFORE_ALL, objects_after="", compared=None
    )


def blank_gone() -> int:
    """Compare all screened objects now and blank those that are gone; returns how many.

    Raises DatabaseError.
    """
    gone = 0
    for entry in registry.registered():
        after = 0
        while rows := list(current_screenings(entry).filter(pk__gt=after).order_by("pk")[:CHUNK]):
            gone += reconcile_each(rows, _note).gone
            after = rows[-1].pk
    return gone


def keys_after(entry: Registered, after: object) -> list[Any]:
    """Return the next primary keys, at most a chunk, in their order; from the first where `after` is None."""
    rows = entry.objects().order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return list(rows.values_list("pk", flat=True)[:CHUNK])


def put_before_a_person(entry: Registered, key: Any, error: BaseException) -> None:
    """Queue an object that can't be read, and so not screened, as failed; the comparison looks again."""
    logger.error("%s %s can't be read (%s).", entry.label, key, type(error).__name__)
    metrics.count_failure(code("reading", error))
    try:
        fail_unread(entry, str(key), code("reading", error))
    except Exception as also:  # such as a key that is too long for the row
        logger.error("%s %s is not in the queue (%s).", entry.label, key, type(also).__name__)


def _look_above_watermark(entry: Registered, state: Discovery, found: Found) -> None:
    """Enqueue new objects. Two sweeps look at each key: a transaction may take it early and commit late."""
    highest = state.watermark
    for _ in range(CHUNKS_OF_A_SWEEP):
        keys = keys_after(entry, highest)
        if not keys:
            break
        found.new += _enqueue_missing(entry, keys)
        highest = int(keys[-1])
    state.watermark, state.seen = max(state.seen, state.watermark), max(highest, state.seen)
    state.save(update_fields=["watermark", "seen"])


def _compare_slice(entry: Registered, state: Discovery, found: Found) -> None:
    due = unset_or_before("compared", Now() - timedelta(hours=conf.COMPARE_HOURS))
    if not Discovery.objects.filter(due, pk=state.pk).exists():
        return
    screened = screenings_of_any_text(entry)
    for _ in range(CHUNKS_OF_A_SLICE):
        rows = list(screened.filter(pk__gt=state.screenings_after).order_by("pk")[:CHUNK])
        start = state.start if entry.has_growing_keys else None
        keys = keys_after(entry, state.objects_after or start)
        if rows:
            screenings = adopted(entry, rows)
            unread: set[int] = set()
            differences = reconcile_each(screenings, partial(_note_unread, unread))
            found.edited += differences.edited
            found.gone += differences.gone
            retry_read([row for row in screenings if row.pk not in unread])
            authorship.compare(entry, screenings)
            found.shown += sum(stepping_over(partial(hide_again, entry), screenings, _note))
            state.screenings_after = rows[-1].pk
        if keys:
            found.new += _enqueue_missing(entry, keys)
            state.objects_after = str(keys[-1])
        if not rows and not keys:
            state.screenings_after, state.objects_after, state.compared = 0, "", timezone.now()
            break
    state.save(update_fields=["screenings_after", "objects_after", "compared"])


def _enqueue_missing(entry: Registered, keys: Iterable[Any]) -> int:
    """Enqueue those objects of `keys` that have no current screening; returns how many."""
    by_text = {str(key): key for key in keys}
    screened = current_screenings(entry).filter(object_id__in=list(by_text))
    missing = by_text.keys() - set(screened.values_list("object_id", flat=True))
    work = partial(_enqueue_all, entry)
    unread = partial(put_before_a_person, entry)
    return sum(stepping_over(work, [by_text[text] for text in missing], unread))


def _enqueue_all(entry: Registered, keys: Sequence[Any]) -> int:
    """Enqueue the objects; one that somebody is saving at this moment is left to that save."""
    instances = entry.objects().filter(pk__in=free_of(entry.objects().filter(pk__in=keys)))
    return sum(
        enqueue(entry, instance, priority=Screening.Priority.LOW) is not None for instance in instances
    )


def _note_unread(unread: set[int], row: Screening, error: BaseException) -> None:
    unread.add(row.pk)
    _note(row, error)


def _note(row: Screening, error: BaseException) -> None:
    metrics.count_failure(code("reading", error))
    logger.error("Screening %s: its object can't be read (%s).", row.pk, type(error).__name__)
