"""Drains the queue of a worker: claims, scores and stores, until nothing is pending."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from django.db import Error as DatabaseError
from django.db import close_old_connections

from moderation import metrics, row_errors
from moderation.coordination import heartbeat
from moderation.db import sqlite
from moderation.discovery.compare import reconcile_each
from moderation.isolation import read_committed
from moderation.models import ModelVersion, Screening
from moderation.screening.claim import (
    DIED,
    Claim,
    claim,
    claim_quarantined,
    fail_deadly,
    has_deaths,
    has_quarantined,
    kept,
    put_off,
)
from moderation.screening.own_languages import Result, score_or_pass
from moderation.screening.scorer import (
    Failure,
    LibrariesMissing,
    LoadScorer,
    ModelNotReady,
    Scorer,
    batch_limits,
    check_on_probe,
    load_scorer,
)
from moderation.screening.store import Stored, store
from moderation.shadow.following import Follower, follower
from moderation.versions import store as model_store
from moderation.worker.isolation import exclusive, shared
from moderation.worker.process import worker_process

logger = logging.getLogger("moderation.screening")

STORE_TRIES = 3
"""Tries to store what was scored while the database is away, before the worker gives up."""


@dataclass
class Drained(Stored):
    """Counts what one drain did."""

    is_ready: bool = True
    """False: the model could not be loaded or could not score; everything stays pending."""
    is_finished: bool = True
    """False: it stopped while something could still be claimed."""

    @property
    def can_wait(self) -> bool:
        """True where another drain can wait: nothing is left, or nothing can be scored now."""
        return self.is_finished or not self.is_ready

    @property
    def scored(self) -> int:
        """Return how many texts got a verdict."""
        return sum(self.verdicts.values())


@read_committed()
def drain(
    *,
    load: LoadScorer = load_scorer,
    batches: int | None = None,
    seconds: float | None = None,
    stop: threading.Event = worker_process.stopping,
    beside: Follower = follower,
) -> Drained:
    """Screen what is pending: at most `batches` batches, for about `seconds`, until `stop` is set.

    Once nothing is pending, a candidate in a shadow trial scores some of it, too, as `beside` says.

    Raises OperationalError or InterfaceError when the database is away; nothing is counted against any text
    then.
    """
    worker_process.release_unreleased()
    done = Drained()
    if not _is_anything_pending():  # found out without a model
        beside.follow(_is_idle, stop)
        return done
    end = None if seconds is None else time.monotonic() + seconds
    taken = 0
    while True:
        is_late = end is not None and time.monotonic() >= end
        if is_late or (batches is not None and taken >= batches) or stop.is_set():
            done.is_finished = not _is_anything_pending()
            break
        try:
            claimed = _drain_once(done, load, stop)
        except (model_store.ModelUnavailable, ModelNotReady) as error:
            worker_process.complain(str(error))
            metrics.model_unavailable(lacks_libraries=isinstance(error, LibrariesMissing))
            done.is_ready = done.is_finished = False
            break
        if not claimed:
            break
        worker_process.complain("")
        heartbeat.beat()
        taken += 1
        beside.note(done.judged)
        done.judged = []
    if done.is_finished and done.is_ready and beside.follow(_is_idle, stop):
        done.is_finished = _is_idle()  # a comment that came meanwhile waits no longer
    return done


def _is_idle() -> bool:
    return not _is_anything_pending()


def _is_anything_pending() -> bool:
    # By the order of claims, and so by their index: PostgreSQL might else read through a million rows that
    # are done, hoping to meet one that is not.
    first = Screening.objects.pending().order_by("-priority", "created", "id").values_list("pk", flat=True)
    return first.first() is not None


def _drain_once(done: Drained, load: LoadScorer, stop: threading.Event) -> bool:
    """Screen one batch, then one quarantined text, so that a backlog starves none of these.

    Returns False where nothing could be claimed.
    """
    version = model_store.active_version()
    score = load(version)
    has_died = has_deaths()
    if has_died:
        metrics.count_failure(DIED, fail_deadly(version))
    with shared():
        has_claimed = _work_off(partial(claim, batch_limits().texts), score, version, done, stop)
    if has_died and has_quarantined():
        with exclusive():
            check_on_probe(score)  # a model that kills its process does so now, with nothing in hand
            has_claimed |= _work_off(claim_quarantined, score, version, done, stop)
    return has_claimed


def _work_off(
    take: Callable[[uuid.UUID], Claim],
    score: Scorer,
    version: ModelVersion,
    done: Drained,
    stop: threading.Event,
) -> bool:
    """Claim, score and store, slice by slice; what is left after an error or a stop is released.

    Returns False where nothing could be claimed.
    """
    token = uuid.uuid4()
    left = 1  # something may be held, until it is known what
    with worker_process.holding(token):
        try:
            batch = take(token)
            left = len(batch.screenings)
            if not batch:
                return False
            metrics.observe_batch(left)
            with kept(token):
                for part in _slices(batch):
                    if stop.is_set():
                        break
                    results = score_or_pass(score, part.screenings, version)
                    stored = _store(*_compared(part, results), version)
                    left -= stored.failures + sum(stored.verdicts.values())
                    done.add(stored)
            return True
        finally:
            # Nobody died: whatever happened, it must not count against these texts.
            if left:
                worker_process.release(token)


def _slices(batch: Claim) -> Iterator[Claim]:
    """Cut a batch into slices of about as many characters as the limits say; most batches are one."""
    most = batch_limits().characters
    part: list[Screening] = []
    size = 0
    for row in batch.screenings:
        if part and size + len(row.text) > most:
            yield Claim(batch.token, part)
            part, size = [], 0
        part.append(row)
        size += len(row.text)
    yield Claim(batch.token, part)


def _compared(batch: Claim, results: Sequence[Result]) -> tuple[Claim, list[Result]]:
    """Return the claim and its results, with a failure for each row whose object can't be read and compared.

    A text that was edited or deleted behind the receivers is superseded by this, and no longer ours. Rows
    about which the database gives no answer, while it answers otherwise, are left out and put off.
    """
    failures: dict[int, Failure] = {}
    waiting: set[int] = set()

    def blame(row: Screening, error: BaseException) -> None:
        failures[row.pk] = Failure(row_errors.code("reading", error))
        logger.error("Screening %s: its object can't be read (%s).", row.pk, type(error).__name__)

    def wait(row: Screening, error: BaseException) -> None:
        waiting.add(row.pk)
        put_off(batch.token, row.pk)
        metrics.count_failure(row_errors.code("reading", error))
        logger.error(
            "Screening %s: its object can't be read now (%s); it is put off.", row.pk, type(error).__name__
        )

    reconcile_each([row for row in batch.screenings if row.source == Screening.Source.OBJECT], blame, wait)
    pairs = zip(batch.screenings, results, strict=True)
    left = [(row, failures.get(row.pk, result)) for row, result in pairs if row.pk not in waiting]
    return Claim(batch.token, [row for row, _ in left]), [result for _, result in left]


def _store(batch: Claim, results: Sequence[Result], version: ModelVersion) -> Stored:
    """Store the results, and try again while the database is away, so that no scored text counts as a death.

    An error that one row may have caused is looked for row by row, and counted against the one that has it.
    """
    for tries in range(1, STORE_TRIES + 1):
        try:
            return store(batch, results, version)
        except BaseException as error:
            if row_errors.ends_the_process(error):
                raise
            if not isinstance(error, DatabaseError):
                return _store_each(batch, results, version, error)
            name, advice = type(error).__name__, sqlite.advice(error)
            logger.warning("Storing a batch failed (%s), try %d.%s", name, tries, advice)
            metrics.count_failure(f"store:{type(error).__name__}")
            if tries == STORE_TRIES:
                if row_errors.may_be_of_one_row(error):
                    return _store_each(batch, results, version, error)
                raise
            time.sleep(0.1 * tries)
            close_old_connections()  # it may have come back, but this connection will not
    raise AssertionError("unreachable")


def _store_each(
    batch: Claim, results: Sequence[Result], version: ModelVersion, error: BaseException
) -> Stored:
    """Store row by row; a row that can't be stored gets a failure. Raises `error` where it is no row's."""
    if not row_errors.may_be_of_one_row(error):
        raise error
    done = Stored()
    for row, result in zip(batch.screenings, results, strict=True):
        single = Claim(batch.token, [row])
        try:
            stored = store(single, [result], version)
        except BaseException as own:
            if not row_errors.may_be_of_one_row(own):
                raise
            logger.error("Screening %s can't be stored (%s).", row.pk, type(own).__name__)
            stored = store(single, [Failure(row_errors.code("storing", own))], version)
        done.add(stored)
    return done
