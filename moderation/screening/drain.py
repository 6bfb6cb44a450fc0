"""The loop of a worker: claim, score, store, until nothing is pending."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError

from moderation import model_store
from moderation.conf import conf
from moderation.models import ModelVersion, Screening
from moderation.screening.claim import Claim, claim, claim_alone, fail_deadly, kept, release
from moderation.screening.score import (
    Failure,
    LoadScorer,
    ModelNotReady,
    Scorer,
    Scores,
    load_scorer,
    score_each,
)
from moderation.screening.store import Stored, store

logger = logging.getLogger("moderation.screening")

stopping = threading.Event()
"""Set when this process is about to end: draining stops after the slice at hand."""

SLICE_CHARACTERS = 20_000
"""So much text is scored and stored at a time; ordinary batches are one slice."""
STORE_TRIES = 3
"""How often a worker tries to store what it scored while the database is away, before it gives up."""


@dataclass
class Drained:
    """What one drain did."""

    verdicts: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    gone: int = 0
    is_ready: bool = True
    """False: the model could not be loaded or could not score; everything stays pending."""
    is_finished: bool = True
    """False: it stopped before nothing was left that could be claimed."""

    @property
    def scored(self) -> int:
        """How many got a verdict."""
        return sum(self.verdicts.values())

    def add(self, stored: Stored) -> None:
        """Count what became of one batch."""
        for verdict, count in stored.verdicts.items():
            self.verdicts[verdict] = self.verdicts.get(verdict, 0) + count
        self.failures += stored.failures
        self.gone += stored.gone


def drain(
    *,
    load: LoadScorer = load_scorer,
    batches: int | None = None,
    seconds: float | None = None,
    stop: threading.Event = stopping,
) -> Drained:
    """Screen what is pending: at most `batches` batches, for about `seconds`, until `stop` is set.

    Raises DatabaseError when the database is away; nothing is counted against any text then.
    """
    done = Drained()
    end = None if seconds is None else time.monotonic() + seconds
    taken = 0
    while Screening.objects.pending().exists():  # nothing to do is found out without a model
        is_late = end is not None and time.monotonic() >= end
        if is_late or (batches is not None and taken >= batches) or stop.is_set():
            done.is_finished = False
            break
        try:
            claimed = _drain_once(done, load, stop)
        except (model_store.ModelUnavailable, ModelNotReady) as error:
            _complain(str(error))
            done.is_ready = done.is_finished = False
            break
        if not claimed:
            break
        _complain("")
        taken += 1
    return done


def give_back_all() -> int:
    """Release what this process has claimed, before it ends in the middle of it; how many rows."""
    return sum(release(token) for token in list(_held))


def _drain_once(done: Drained, load: LoadScorer, stop: threading.Event) -> bool:
    """One batch, and one of the suspects: they must not wait for a quiet hour. False: nothing to be had."""
    version = model_store.active_version()
    fail_deadly(version)
    score = load(version)
    found = False
    for is_alone in (False, True):
        batch = claim_alone() if is_alone else claim(conf.BATCH_SIZE)
        if batch:
            found = True
            _work_off(batch, score, version, done, stop)
    return found


def _work_off(
    batch: Claim, score: Scorer, version: ModelVersion, done: Drained, stop: threading.Event
) -> None:
    """Score and store a batch, slice by slice. What is left after an error or a stop is given back."""
    _held.add(batch.token)
    try:
        with kept(batch.token):
            for part in _slices(batch):
                if stop.is_set():
                    break
                results = score_each(score, [row.text for row in part.screenings])
                done.add(_store(part, results, version))
    finally:
        # Nobody died: whatever happened, it must not count against these texts.
        _give_back(batch)
        _held.discard(batch.token)


def _slices(batch: Claim) -> Iterator[Claim]:
    part: list[Screening] = []
    size = 0
    for row in batch.screenings:
        if part and size + len(row.text) > SLICE_CHARACTERS:
            yield Claim(batch.token, part)
            part, size = [], 0
        part.append(row)
        size += len(row.text)
    yield Claim(batch.token, part)


def _store(batch: Claim, results: Sequence[Scores | Failure], version: ModelVersion) -> Stored:
    """Store, and try again while the database is away: what was scored belongs to no dead worker."""
    for tries in range(1, STORE_TRIES + 1):
        try:
            return store(batch, results, version)
        except DatabaseError as error:
            logger.warning("Storing a batch failed (%s), try %d.", type(error).__name__, tries)
            if tries == STORE_TRIES:
                raise
            time.sleep(0.1 * tries)
    raise AssertionError("unreachable")


def _give_back(batch: Claim) -> None:
    try:
        release(batch.token)
    except DatabaseError as error:
        logger.warning("A batch could not be given back (%s); its lease runs out.", type(error).__name__)


_held: set[uuid.UUID] = set()
_complaint = ""


def _complain(complaint: str) -> None:
    """One line for each new trouble, not one for each sweep. Our own messages: they name files, not texts."""
    global _complaint
    if complaint and complaint != _complaint:
        logger.error("Comments stay pending: %s", complaint)
    _complaint = complaint
