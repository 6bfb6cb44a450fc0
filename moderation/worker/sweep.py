"""Sweeps once: looks for what is new, carries out what is pending, and screens. Sends no messages."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from moderation import metrics, retention
from moderation.coordination import heartbeat, leases
from moderation.db import sqlite
from moderation.discovery.compare import reconcile_each
from moderation.discovery.search import Found, discover
from moderation.isolation import read_committed
from moderation.models import Screening
from moderation.review import bulk
from moderation.screening.claim import retry_failed
from moderation.screening.scorer import LoadScorer, load_scorer
from moderation.versions import store, training_folders
from moderation.visibility import hiding, pending_actions
from moderation.webhooks import delivery
from moderation.worker import figures
from moderation.worker.drain import Drained, drain
from moderation.worker.process import worker_process

logger = logging.getLogger("moderation.sweep")

LEASE = "sweep"
LEASE_SECONDS = 120
ACTIONS_OF_A_SWEEP = 200
BULK_SECONDS_OF_A_SWEEP = 5.0
"""How long decisions about many items keep new comments waiting."""


@dataclass
class Swept:
    """Counts what one sweep did."""

    found: Found = field(default_factory=Found)
    acted: int = 0
    """Pending actions that were carried out."""
    retried: int = 0
    """Failed texts that a new model version tries again."""
    blanked: int = 0
    """Texts whose retention had ended."""
    has_bulk_left: bool = False
    """True where decisions about many items are left that this process was at."""
    drained: Drained = field(default_factory=Drained)


@read_committed()
def sweep(
    *,
    load: LoadScorer = load_scorer,
    stop: threading.Event = worker_process.stopping,
    batches: int | None = None,
    seconds: float | None = None,
    apart: float = 0.0,
) -> Swept:
    """Find what is new, carry out what is pending, screen. Raises DatabaseError when the database is away.

    batches, seconds: how much to screen, at most; by default all that is pending. apart: seconds after this
    sweep in which no other that is given `apart` looks for what is new: a transaction that takes its key
    early and commits late has one sweep of delay, and workers that sweep one right after another must not
    use that up.
    """
    done = Swept()
    heartbeat.beat(at_once=True)
    token = leases.take(LEASE, LEASE_SECONDS, resting=not apart)
    if token is not None:
        try:
            with leases.kept(LEASE, token, LEASE_SECONDS):
                done.found = discover()
                metrics.count_discovered(**vars(done.found))
                _carry_out_actions(done)
                done.retried = _retry_failed()
                done.blanked = _blank_due(stop)
                _tidy_outbox()
        finally:
            leases.give_back(LEASE, token, after=apart)
    done.has_bulk_left = _carry_on_bulk(stop)
    done.drained = drain(load=load, stop=stop, batches=batches, seconds=seconds)
    _make_figures(stop)
    heartbeat.beat(at_once=True)
    metrics.count_sweep(is_ok=True)
    return done


def _carry_out_actions(done: Swept) -> None:
    """Carry out the pending actions that are due, and compare the text of those that can't be carried out.

    It may have changed, unseen by any receiver: then the new text is screened.
    """
    due = pending_actions.due(ACTIONS_OF_A_SWEEP)
    left = [key for key in due if not hiding.act(key)]
    done.acted = len(due) - len(left)
    if left:
        stuck = Screening.objects.filter(pk__in=left, is_current=True)
        done.found.edited += reconcile_each(list(stuck), _complain).edited


def _complain(row: Screening, error: BaseException) -> None:
    logger.error("Screening %s: its object can't be read (%s).", row.pk, type(error).__name__)


def _retry_failed() -> int:
    """Give the active version the texts that others failed at; returns how many."""
    try:
        return retry_failed(store.active_version())
    except store.ModelUnavailable:
        return 0  # `drain` says so, if anything is pending


def _blank_due(stop: threading.Event) -> int:
    """Blank some of the texts whose retention has ended; returns how many.

    What killed trainings left on this machine may hold copies of these, so it goes at once.
    """
    try:
        blanked = retention.blank_due(chunks=retention.CHUNKS_OF_A_SWEEP, stop=stop)
        training_folders.remove_left(0 if blanked else training_folders.LEFT_HOURS)
        return blanked
    except Exception as error:  # screening goes before; its message may quote a row
        logger.error("Retention failed (%s); the next sweep goes on.", type(error).__name__)
        return 0


def _carry_on_bulk(stop: threading.Event) -> bool:
    """Carry on with decisions about many items; return whether this left some."""
    try:
        return bulk.carry_on_all(seconds=BULK_SECONDS_OF_A_SWEEP, stop=stop)
    except Exception as error:  # screening goes before; its message may quote a row
        logger.error("Decisions in bulk stopped (%s); the next sweep goes on.", type(error).__name__)
        return False


def _tidy_outbox() -> None:
    """Give up deliveries to webhooks that wait in vain, and remove old ones."""
    try:
        delivery.tidy()
    except Exception as error:  # screening goes before
        logger.error("Old deliveries were not removed (%s); the next sweep goes on.", type(error).__name__)


def _make_figures(stop: threading.Event) -> None:
    """Make the figures of the dashboard, if they are due."""
    try:
        figures.refresh_if_due(stop)
    except Exception as error:  # screening goes before; its message may quote a row
        logger.error("The dashboard's figures were not made (%s).", type(error).__name__)


def note_failure(error: BaseException) -> None:
    """Count and log a sweep that failed, by the kind of error alone: its message may quote a row."""
    metrics.count_sweep(is_ok=False)
    metrics.count_failure(f"sweep:{type(error).__name__}")
    extra = {"code": "sweep-failed"}
    advice = sqlite.advice(error)
    logger.error("A sweep failed (%s); the next one goes on.%s", type(error).__name__, advice, extra=extra)


def warn_of_database() -> None:
    """Warn of an SQLite that is not set up for a process that writes beside the site; called at its start."""
    for alias in sqlite.told_wrongly():
        logger.warning("%s Set %s (moderation.W001).", sqlite.what_is_wrong(alias), sqlite.OPTIONS)
