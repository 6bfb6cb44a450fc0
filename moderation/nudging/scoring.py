"""Looks at a text before it is posted, and gives way rather than make its author wait.

Everything that may take its time, the database and the model, happens on a thread of its own. The caller
waits for that as long as the setting says, and goes on without an answer then.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass

from django.db import connections
from django.db.models import Model

from moderation import metrics, policies, registry
from moderation.conf import conf
from moderation.models import ModelVersion
from moderation.nudging import words
from moderation.policies import Thresholds
from moderation.registry import Registered
from moderation.screening import scorer
from moderation.screening.judging import thresholds_of
from moderation.screening.scorer import Failure, ModelNotReady, Scores
from moderation.texts import as_screened
from moderation.versions.active import find_active

logger = logging.getLogger("moderation.nudging")

MAX_CHARACTERS = 5_000
"""About what one core scores in 200 ms; nobody is nudged for a longer text."""
MAX_IN_FLIGHT = 4
"""Texts that one process looks at together, with those on which their authors no longer wait."""
FRESH_SECONDS = 5.0
"""How long a process goes by the version and the thresholds that it has read."""


@dataclass(frozen=True)
class Nudge:
    """One bit and one label: the text may be read as what the label names. Never a score."""

    label: str

    @property
    def says(self) -> str:
        """The sentence for the author, in the language of the request."""
        return words.says(self.label)


def look_at(text: str, model: type[Model] | None = None) -> Nudge | None:
    """Say what a text may be read as; None where it may be posted, or where no answer came in time.

    model: the text will be an object of this model, whose policy counts; None: the policy for all models.
    Waits at most `NUDGE_MILLISECONDS` in all, and raises nothing: whatever goes wrong is counted and logged
    without the text.
    """
    deadline = time.monotonic() + conf.NUDGE_MILLISECONDS / 1000
    if conf.NUDGE_MILLISECONDS <= 0 or not text.strip():
        return None
    if len(text) > MAX_CHARACTERS:
        return _give_way("long")
    try:
        entry = None if model is None else registry.for_model(model)
        if not _process.is_ready():
            _process.warm_up()
            return _give_way("loading")
        return _process.ask(as_screened(text), entry, deadline)
    except Exception as error:
        return _give_way_after(error)


def warm_up() -> None:
    """Load the model in the background, for texts that come next; returns at once and raises nothing."""
    try:
        if conf.NUDGE_MILLISECONDS > 0 and not _process.is_ready():
            _process.warm_up()
    except Exception as error:
        _give_way_after(error)


class _Job:
    """One text that a thread looks at while its author waits."""

    def __init__(self, text: str, entry: Registered | None) -> None:
        self.text = text
        self.entry = entry
        self.nudge: Nudge | None = None
        self.error: Exception | None = None
        self.done = threading.Event()


class _Process:
    """What this process knows for nudging, and how much of it is under way."""

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(MAX_IN_FLIGHT)
        self._warming = threading.Lock()
        self._version: ModelVersion | None = None
        self._looked = float("-inf")
        self._in_force: dict[str, tuple[float, str, Thresholds]] = {}

    def is_ready(self) -> bool:
        """True: the version that was last read as active is loaded."""
        return self._version is not None and scorer.is_loaded_for_web(self._version)

    def warm_up(self) -> None:
        """Start a thread that loads the active version, unless one is at it or tried just now."""
        if time.monotonic() - self._looked < FRESH_SECONDS or not self._warming.acquire(blocking=False):
            return
        try:
            threading.Thread(target=self._load, name="nudge-load", daemon=True).start()
        except BaseException:
            self._warming.release()
            raise

    def ask(self, text: str, entry: Registered | None, deadline: float) -> Nudge | None:
        """Have a thread look at a text and wait for it until the deadline, a time of `time.monotonic`."""
        if not self._slots.acquire(blocking=False):
            return _give_way("busy")
        job = _Job(text, entry)
        try:
            threading.Thread(target=self._run, args=(job,), name="nudge", daemon=True).start()
        except BaseException:
            self._slots.release()
            raise
        if not job.done.wait(max(0.0, deadline - time.monotonic())):
            return _give_way("slow")
        return job.nudge if job.error is None else _give_way_after(job.error)

    def _load(self) -> None:
        try:
            version = self._active()
            if version is not None:
                scorer.load_scorer_for_web(version)
        except Exception as error:
            _give_way_after(error)
        finally:
            self._looked = time.monotonic()
            connections.close_all()  # this thread's own
            self._warming.release()

    def _run(self, job: _Job) -> None:
        try:
            job.nudge = self._look(job)
        except Exception as error:
            job.error = error
        finally:
            job.done.set()
            self._slots.release()

    def _look(self, job: _Job) -> Nudge | None:
        try:
            version, thresholds = self._judged_by(job.entry)
        finally:
            connections.close_all()
        if version is None or not scorer.is_loaded_for_web(version):
            raise ModelNotReady("not loaded")
        (result,) = scorer.score_each(scorer.load_scorer_for_web(version), [job.text])
        if isinstance(result, Failure):
            raise ModelNotReady(result.code)
        label = _label(result, thresholds)
        return None if label is None else Nudge(label)

    def _judged_by(self, entry: Registered | None) -> tuple[ModelVersion | None, Thresholds]:
        """The active version and the thresholds in force, read anew every few seconds."""
        name = "" if entry is None else entry.label
        version, kept = self._version, self._in_force.get(name)
        if (
            version is not None
            and kept is not None
            and time.monotonic() - kept[0] < FRESH_SECONDS
            and kept[1] == version.manifest_sha256
        ):
            return version, kept[2]
        version = self._active()
        if version is None:
            return None, Thresholds({})
        thresholds = thresholds_of(entry, version)[0]
        self._in_force[name] = (time.monotonic(), version.manifest_sha256, thresholds)
        return version, thresholds

    def _active(self) -> ModelVersion | None:
        self._version = find_active()
        return self._version


def _label(scores: Scores, thresholds: Thresholds) -> str | None:
    """The label to name, or None where no score counts: the highest of those that say the most."""
    raised = 0.0 if conf.NUDGE_AT is None else conf.NUDGE_AT
    at = Thresholds({label: max(flag, raised) for label, flag in thresholds.flag.items()})
    over = policies.judge(scores, at).labels
    specific = [label for label in over if label not in words.GENERAL]
    return max(specific or over, key=lambda label: scores[label], default=None)


def _give_way(reason: str) -> Nudge | None:
    """Count a text that nobody looked at; returns None, which lets it be posted."""
    metrics.count_nudge_given_up(reason)
    return None


def _give_way_after(error: Exception) -> Nudge | None:
    """Count and log an error by its type alone: a message may quote the text."""
    logger.warning("A text was not looked at before it was posted (%s).", type(error).__name__)
    return _give_way("model" if isinstance(error, ModelNotReady) else "error")


def _begin_anew() -> None:
    """In a forked child none of the parent's threads goes on, and its locks may have been taken."""
    global _process
    _process = _Process()


_process = _Process()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
