"""Enqueueing: the text that an object has now becomes its current, pending screening.

The pending rows are the queue. Nothing here wakes a worker: `receivers` and `on_request` do, after commit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import IntegrityError, router, transaction
from django.db.models import Model

from moderation import row_errors
from moderation.models import Screening
from moderation.models.content_types import content_type_of
from moderation.registry import Registered
from moderation.screening import nudged
from moderation.screening.snapshots import current_of, new_screening
from moderation.versions.active import find_active
from moderation.visibility import hiding, means, provenance, releasing, rule
from moderation.visibility.releasing import Overtaken

logger = logging.getLogger("moderation.screening")

TRIES = 3
"""How often a text is enqueued anew when somebody else enqueued or decided at the same time."""
INHERITED_FROM = (
    *("status", "verdict", "outcome", "queued_for", "released"),
    *("hidden_by_us", "hidden_by", "action_pending", "held_by_reports"),
)
"""Columns of the earlier screening that decide how the screening of an edited text begins."""


def enqueue(
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
    Returns None when that text is the current one already, or the site exempts the instance. Raises
    DatabaseError.
    """
    for tries in range(1, TRIES + 1):
        try:
            make = partial(new_screening, entry, instance, priority, update_fields=update_fields)
            made = _enqueue(entry, instance, make, is_new=is_new, at_save=at_save, again=again)
            nudged.forget(instance)
            return made
        except (IntegrityError, Overtaken):
            # Somebody else enqueued or decided at the same time, or a deleted object's key came back: now it
            # can be seen.
            is_new = False
            if tries == TRIES:
                raise
    raise AssertionError("unreachable")


def fail_unread(entry: Registered, key: str, error_code: str) -> None:
    """Put an object whose text can't be read in the queue, as failed and without a text.

    Once it can be read again, the compare finds another text than the empty one, and that is screened. Does
    nothing where the object has a current screening. Raises DatabaseError.
    """
    fresh = Screening(
        source=Screening.Source.OBJECT,
        content_type=content_type_of(entry.model),
        object_id=key,
        field=entry.text.name,
        status=Screening.Status.FAILED,
        queued_for=Screening.QueuedFor.FAILED,
        sampling_probability=1.0,
        error_code=error_code,
        failed_version=find_active(),
        priority=Screening.Priority.LOW,
    )
    with suppress(IntegrityError), transaction.atomic(using=router.db_for_write(Screening)):
        fresh.save(force_insert=True)


def is_exempt(entry: Registered, instance: Model) -> bool:
    """True where the site exempts the object; where its callable raises, the object is screened.

    Only asked for new objects: an edit of a screened one is always looked at.
    """
    if not entry.exempt:
        return False
    try:
        with transaction.atomic(using=router.db_for_write(Screening)):  # it may query, and fail at it
            return entry.is_exempt(instance)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        logger.error(
            "%s raised %s; %s %s is screened like any other.",
            entry.exempt,
            type(error).__name__,
            entry.label,
            instance.pk,
        )
        return False


def _enqueue(
    entry: Registered,
    instance: Model,
    make: Callable[[], Screening],
    *,
    is_new: bool,
    at_save: bool,
    again: bool,
) -> Screening | None:
    """Insert what `make` builds in place of the earlier screening, in one transaction."""
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
    """Carry over who hid the object; the edit of a text that was held back goes to the queue."""
    fresh.hidden_by_us, fresh.hidden_by = earlier.hidden_by_us, earlier.hidden_by
    if _is_held_back(earlier):
        fresh.queued_for = Screening.QueuedFor.EDITED
        fresh.severity = max(earlier.severity, 0.0)
        fresh.sampling_probability = 1.0


def _is_held_back(earlier: Screening) -> bool:
    """True where the comment is hidden for what it said: then its new text waits for a person, too."""
    if earlier.released:
        return False
    if earlier.outcome:
        return earlier.outcome == Screening.Outcome.HIDE
    held_for = (Screening.QueuedFor.EDITED, Screening.QueuedFor.AUTHOR)
    if earlier.held_by_reports or earlier.queued_for in held_for:
        return True
    return earlier.verdict == Screening.Verdict.HELD


def _needs_worker(entry: Registered, fresh: Screening, earlier: Screening | None, *, at_save: bool) -> bool:
    """True where hiding is left to the worker: a save can't wait for a callable of the site."""
    if entry.hide is None:
        return False
    if entry.hide.by_field:
        return not at_save
    return not fresh.hidden_by_us or (earlier is not None and earlier.action_pending)


def _supersede(earlier: Screening) -> None:
    """End the earlier screening. Raises Overtaken where the new one inherited from what has changed since."""
    as_read = {name: getattr(earlier, name) for name in INHERITED_FROM}
    rows = Screening.objects.filter(pk=earlier.pk, is_current=True, **as_read)
    columns: dict[str, Any] = {"is_current": False, "action_pending": False, "text_digest": None}
    if earlier.status == Screening.Status.PENDING:
        columns.update(status=Screening.Status.SUPERSEDED, lease_token=None, lease_until=None, retry_at=None)
    if not rows.update(**columns):
        raise Overtaken("Somebody changed the earlier screening meanwhile.")
