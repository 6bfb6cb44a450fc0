"""Screens what was there before moderation, throttled; a run that was killed goes on from where it was.

It goes chunk by chunk, in the order of the primary keys: objects without a screening get a pending one, with
low priority, and the chunk is screened before the next one begins, by this process and by workers that have
nothing else to do. So the queue never holds more than a chunk of old comments, whatever came in just now is
screened before them, and a rate that is asked for is kept however many workers there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any

from django.utils import timezone

from moderation import registry
from moderation.discovery.search import put_before_a_person, remember_start
from moderation.models import Discovery, Screening, ScreeningRun
from moderation.registry import Registered
from moderation.rescreening import runs
from moderation.rescreening.runs import RunLease, Scope
from moderation.rescreening.throttle import LOOK_SECONDS, Throttle
from moderation.row_errors import code, stepping_over
from moderation.screening.enqueue import is_exempt
from moderation.screening.scorer import LoadScorer, ModelNotReady, batch_limits, load_scorer
from moderation.screening.snapshots import current_screenings, new_screening
from moderation.worker.drain import drain

NOT_SCORED = "scoring-error"
"""The count of texts with an error of their own; they are tried again like any other, and then queued."""


def begin(entry: Registered, username: str = "") -> ScreeningRun:
    """Return the unfinished run of this model, or create one up to the highest key of this moment."""
    scope = Scope(ScreeningRun.Kind.EXISTING, model_label=entry.label)
    unfinished = runs.unfinished(scope)
    if unfinished is not None:
        return unfinished
    remember_start(entry)
    # Not by MAX: PostgreSQL has none for UUIDs.
    highest = entry.objects().order_by("-pk").values_list("pk", flat=True).first()
    total = 0 if highest is None else entry.objects().count()
    return runs.begin(scope, last="" if highest is None else str(highest), total=total, username=username)


def left(entry: Registered) -> int:
    """Count the objects that the run of this model has still to go through, screened or not."""
    unfinished = runs.unfinished(Scope(ScreeningRun.Kind.EXISTING, model_label=entry.label))
    rows = entry.objects()
    if unfinished is not None and unfinished.position:
        rows = rows.filter(pk__gt=unfinished.position, pk__lte=unfinished.last)
    return int(rows.count())


def screen_existing(
    run: ScreeningRun,
    lease: RunLease,
    *,
    throttle: Throttle,
    limit: int | None = None,
    load: LoadScorer = load_scorer,
    progress: Callable[[ScreeningRun], object] = lambda run: None,
) -> bool:
    """Go on with `run` until it is finished, `limit` objects were taken or `throttle` stops it.

    Returns True where the run is finished. Objects that the site exempts, or that have a screening, are
    passed over; one that can't be read stands in the queue as failed. Raises LookupError where the model is
    not registered any more, ModelNotReady, TakenOver or DatabaseError; `run` can be gone on with.
    """
    entry = registry.get(run.model_label)
    if entry is None:
        raise LookupError(run.model_label)
    remaining = limit
    while not throttle.stop.is_set():
        keys = _next_keys(entry, run)
        if not keys:
            _finish(entry, run, lease)
            progress(run)
            return True
        start = throttle.now()
        missing = _without_screening(entry, keys)
        if remaining is not None and len(missing) > remaining:
            keys, missing = keys[: keys.index(missing[remaining])], missing[:remaining]
        unread: Counter[str] = Counter()
        made = stepping_over(partial(_make, entry), missing, partial(_put_before_a_person, entry, unread))
        fresh = list(chain.from_iterable(made))
        with runs.chunk(run, lease) as changed:
            # Somebody may have saved one of them in this moment: then it is enqueued already.
            Screening.objects.bulk_create(fresh, ignore_conflicts=True)
            changed.position = str(keys[-1])
            changed.passed += len(keys)
            changed.scored += len(fresh)
            runs.add(changed.failures, unread)
        failures = _screen(entry, [row.object_id for row in fresh], throttle, lease, load)
        if failures:
            with runs.chunk(run, lease) as changed:
                runs.add(changed.failures, {NOT_SCORED: failures})
                changed.scored -= failures
        progress(run)
        throttle.pause(len(fresh), throttle.now() - start, lease.renew_if_due)
        remaining = None if remaining is None else remaining - len(fresh)
        if remaining is not None and remaining <= 0:
            return False
    return False


def _make(entry: Registered, keys: Sequence[Any]) -> list[Screening]:
    return [
        new_screening(entry, instance, Screening.Priority.LOW)
        for instance in entry.objects().filter(pk__in=keys)
        if not is_exempt(entry, instance)
    ]


def _put_before_a_person(entry: Registered, unread: Counter[str], key: Any, error: BaseException) -> None:
    put_before_a_person(entry, key, error)
    unread[code("reading", error)] += 1


def _next_keys(entry: Registered, run: ScreeningRun) -> list[Any]:
    """Return the next keys, as many as a worker's batch has, so that no pause is long."""
    if not run.last:
        return []
    rows = entry.objects().filter(pk__lte=run.last).order_by("pk")
    if run.position:
        rows = rows.filter(pk__gt=run.position)
    return list(rows.values_list("pk", flat=True)[: batch_limits().texts])


def _without_screening(entry: Registered, keys: Sequence[Any]) -> list[Any]:
    screened = current_screenings(entry).filter(object_id__in=[str(key) for key in keys])
    known = set(screened.values_list("object_id", flat=True))
    return [key for key in keys if str(key) not in known]


def _screen(
    entry: Registered, object_ids: Sequence[str], throttle: Throttle, lease: RunLease, load: LoadScorer
) -> int:
    """Screen what is pending until nothing of the chunk can be claimed; how many texts had an error.

    A text with an error of its own waits for its next try, which is left to a worker; one that a worker is
    scoring is waited for.
    """
    failures = 0
    waiting = current_screenings(entry).filter(object_id__in=object_ids, status=Screening.Status.PENDING)
    while waiting.exists() and not throttle.stop.is_set():
        done = drain(load=load, batches=1, stop=throttle.stop)
        lease.renew_if_due()
        if not done.is_ready:
            raise ModelNotReady("The model is not ready; the log says why.")
        failures += done.failures
        if not done.scored and not done.failures and not done.gone:
            if not waiting.filter(lease_token__isnull=False).exists():
                break
            throttle.stop.wait(LOOK_SECONDS)
    return failures


def _finish(entry: Registered, run: ScreeningRun, lease: RunLease) -> None:
    """Finish the run, and have the nightly comparison look after the old objects, too."""
    with runs.chunk(run, lease) as changed:
        changed.finished = timezone.now()
        Discovery.objects.filter(model_label=entry.label, field=entry.text.name).update(start=0)
