"""Has a candidate score a sample of what a worker has just scored, while nothing waits to be scored.

Each worker keeps to the trial's share of its own time, so several share the load as they share the comments.
What is sampled lies in memory alone: a worker that is killed takes its sample with it, and nothing else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from django.db import DatabaseError
from django.db.models import F

from moderation import metrics, row_errors
from moderation.coordination import leases
from moderation.models import Screening, ShadowTrial
from moderation.screening.own_languages import Result, score_or_pass
from moderation.screening.scorer import LoadScorer, Scorer, forget_candidate, load_candidate
from moderation.shadow import storing, trials
from moderation.shadow.budget import Sample, TimeBudget
from moderation.versions.active import find_active

__all__ = ["Follower", "follower"]

LOOK_SECONDS = 5.0
"""Between two looks whether a trial is running."""
TEXTS_AT_ONCE, CHARACTERS_AT_ONCE = 4, 4000
"""What is scored between two looks whether a comment waits: it waits for no more than that."""
STORED_AT_ONCE = 64
DEATHS_TO_END = 3
"""Workers that a candidate may have killed before its trial ends."""
LEASE, LEASE_SECONDS = "shadow", 120
"""Lets one worker at a time try a candidate that none has scored with."""
DIED = "worker-died"

logger = logging.getLogger("moderation.shadow")


class CandidateFailed(Exception):
    """Raised where the candidate can't be loaded, or scores nothing; carries a code of ours."""


class Follower:
    """What one worker process does for a trial. No error of a candidate leaves it."""

    def __init__(
        self,
        load: LoadScorer = load_candidate,
        forget: Callable[[], None] = forget_candidate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """load, forget: take a candidate into memory, and out of it. clock: seconds that never go back."""
        self._load, self._forget, self._clock = load, forget, clock
        self._sample = Sample()
        self._is_busy = threading.Lock()
        self._trial: ShadowTrial | None = None
        self._budget = TimeBudget(0.0, clock)
        self._next_look: float | None = None
        self._used = 0.0
        """Seconds that are not stored yet."""

    def note(self, keys: Iterable[int]) -> None:
        """Let these screenings, which were just scored, have their chance to be scored by the candidate."""
        self._sample.add(keys)

    def follow(self, is_idle: Callable[[], bool], stop: threading.Event) -> bool:
        """Score what was noted, as far as the budget goes and while `is_idle` says that nothing waits.

        Returns True where that took time. Raises nothing but what ends the process.
        """
        if not self._is_busy.acquire(blocking=False):
            return False  # another thread of this worker is at it
        try:
            return self._follow(is_idle, stop)
        except BaseException as error:
            if row_errors.ends_the_process(error):
                raise
            self._next_look = None
            metrics.count_failure(row_errors.code("shadow", error))
            logger.error("A shadow trial was put off (%s).", type(error).__name__)
            return True
        finally:
            self._is_busy.release()

    def _follow(self, is_idle: Callable[[], bool], stop: threading.Event) -> bool:
        trial = self._look()
        keys = self._sample.take()
        if trial is None or not keys or not self._budget.is_left or stop.is_set() or not is_idle():
            return False
        for start in range(0, len(keys), STORED_AT_ONCE):
            if not self._take_on(trial, keys[start : start + STORED_AT_ONCE], is_idle, stop):
                break
        return True

    def _look(self) -> ShadowTrial | None:
        """Return the running trial, as it was at most LOOK_SECONDS ago; frees the candidate of another."""
        now = self._clock()
        if self._next_look is not None and now < self._next_look:
            return self._trial
        self._next_look = now + LOOK_SECONDS
        trial, before = trials.running(), self._trial
        if trial is not None:
            active = find_active()
            if active is None or active.pk != trial.beside_id:
                trials.end_by_itself(trial, trials.REPLACED)
                trial = None
        if before is not None and (trial is None or trial.pk != before.pk):
            self._let_go()
        if trial is not None and (before is None or trial.pk != before.pk):
            self._budget = TimeBudget(trial.budget, self._clock)
            self._used = 0.0
        self._trial = trial
        return trial

    def _let_go(self) -> None:
        self._trial = None
        self._forget()

    def _take_on(
        self, trial: ShadowTrial, keys: Sequence[int], is_idle: Callable[[], bool], stop: threading.Event
    ) -> bool:
        """Score and store some of the sample; False where the rest of it is not to be scored."""
        rows = storing.eligible(trial, keys)
        if not rows:
            return True
        with self._proving(trial) as may_go_on:
            if not may_go_on:
                return False
            try:
                results = self._score(trial, rows, is_idle, stop)
            except CandidateFailed as error:
                trials.end_by_itself(trial, str(error))
                self._let_go()
                return False
            used, self._used = self._used, 0.0
            if results:
                with self._timed():
                    if not storing.store(trial, rows[: len(results)], results, used):
                        self._let_go()
                        return False
                trial.is_proved = True
        return len(results) == len(rows)

    def _score(
        self,
        trial: ShadowTrial,
        rows: Sequence[Screening],
        is_idle: Callable[[], bool],
        stop: threading.Event,
    ) -> list[Result]:
        """Score rows until a comment waits, the budget is used up or `stop` is set; fewer results then.

        Raises CandidateFailed.
        """
        results: list[Result] = []
        with _blaming_the_candidate("loading"), self._timed():
            score: Scorer = self._load(trial.candidate)
        for part in _parts(rows):
            if stop.is_set() or not self._budget.is_left or not is_idle():
                break
            with _blaming_the_candidate("scoring"), self._timed():
                results += score_or_pass(score, part, trial.candidate)
        return results

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count the time that the caller takes, whatever comes of it."""
        start = self._clock()
        try:
            yield
        finally:
            seconds = self._clock() - start
            self._used += seconds
            self._budget.spend(seconds)

    @contextmanager
    def _proving(self, trial: ShadowTrial) -> Iterator[bool]:
        """Let one worker at a time try a candidate that none has scored with; yields False to the others.

        A candidate may kill the process that loads it. The one that tries is counted as dead until it comes
        back, so that such a candidate ends its trial and not worker after worker.
        """
        if trial.is_proved:
            yield True
            return
        token = leases.take(LEASE, LEASE_SECONDS)
        if token is None:
            yield False
            return
        own = ShadowTrial.objects.filter(pk=trial.pk)
        try:
            if own.filter(deaths__gte=DEATHS_TO_END, is_proved=False).exists():
                trials.end_by_itself(trial, DIED)
                self._let_go()
                yield False
                return
            own.update(deaths=F("deaths") + 1)
            try:
                with leases.kept(LEASE, token, LEASE_SECONDS):
                    yield True
            finally:
                own.update(deaths=F("deaths") - 1)
        finally:
            leases.give_back(LEASE, token)


def _parts(rows: Sequence[Screening]) -> Iterator[list[Screening]]:
    part: list[Screening] = []
    size = 0
    for row in rows:
        if part and (len(part) >= TEXTS_AT_ONCE or size + len(row.text) > CHARACTERS_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.text)
    if part:
        yield part


@contextmanager
def _blaming_the_candidate(what: str) -> Iterator[None]:
    """Turn whatever is raised into CandidateFailed, but for the database's trouble and the process's end."""
    try:
        yield
    except BaseException as error:
        if row_errors.ends_the_process(error) or isinstance(error, DatabaseError):
            raise
        cause = error.__cause__ or error  # ModelNotReady tells of the model's own error
        raise CandidateFailed(row_errors.code(what, cause)) from error


follower = Follower()
"""That of this process."""
