"""Compares screened texts with the live ones, and screens again what the receivers did not see change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import router, transaction

from moderation import row_errors
from moderation.db.locking import locked_if_free
from moderation.models import Screening
from moderation.registry import Registered
from moderation.screening.enqueue import enqueue
from moderation.screening.snapshots import current_screenings, forget
from moderation.visibility import means


@dataclass
class Differences:
    """Counts of what a comparison found."""

    edited: int = 0
    """Texts that differ from the screened ones: new screenings were enqueued."""
    gone: int = 0
    """Objects that are no more: their copies were blanked."""

    def add(self, more: Differences) -> None:
        """Add the counts of another comparison."""
        self.edited += more.edited
        self.gone += more.gone


def reconcile_each(
    screenings: Sequence[Screening],
    blame: Callable[[Screening, BaseException], object],
    put_off: Callable[[Screening, BaseException], object] | None = None,
) -> Differences:
    """Compare as `reconcile` does; a row whose object raises is given to `blame`, and the others go on.

    put_off: see `row_errors.stepping_over`. Raises a DatabaseError that is no row's.
    """
    total = Differences()
    for differences in row_errors.stepping_over(reconcile, screenings, blame, put_off):
        total.add(differences)
    return total


def reconcile(screenings: Sequence[Screening]) -> Differences:
    """Compare screenings of objects with what is live now, one query for each model.

    Raises DatabaseError, and what an object raises when it is read.
    """
    differences = Differences()
    by_model: dict[str, tuple[Registered, list[Screening]]] = {}
    for screening in screenings:
        entry = means.registration(screening)
        if entry is not None and entry.text.name == screening.field:
            by_model.setdefault(entry.label, (entry, []))[1].append(screening)
    for entry, rows in by_model.values():
        live = _live_texts(entry, rows)
        gone = {row.object_id for row in rows} - live.keys()
        if gone and forget(entry, gone):
            differences.gone += len(gone)
        for row in rows:
            if row.object_id in live and not row.is_of(live[row.object_id]):
                differences.edited += _enqueue_again(entry, row.object_id)
    return differences


def _live_texts(entry: Registered, rows: Sequence[Screening]) -> dict[str, str]:
    """Return {key as text: live text} of the objects that exist."""
    objects = entry.objects().filter(pk__in=[row.object_id for row in rows])
    return {str(key): text for key, text in entry.text.of_rows(objects)}


def _enqueue_again(entry: Registered, key: str) -> bool:
    """Enqueue the object's text; returns False where somebody is saving it now, whose save enqueues it."""
    instance = entry.objects().filter(pk=key).first()
    if instance is None:
        return False
    with transaction.atomic(using=router.db_for_write(Screening)):
        rows = locked_if_free(current_screenings(entry).filter(object_id=key)).values_list("pk", flat=True)
        return bool(rows) and enqueue(entry, instance) is not None
