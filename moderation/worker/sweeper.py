"""The sweep: what every worker does by itself now and then, with or without a broker. It sends no messages.

It runs on a thread. With the pools `solo` and `threads` that is one thread of the worker process, started
before the worker first looks for its broker. With `prefork` the parent never scores (the children would
inherit a classifier whose threads did not survive the fork), so each child has its thread; a lease in the
database lets one of them look for what is new, and claims let them share what is pending.
"""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import dataclass, field
from typing import Any

from celery import signals
from django.apps import apps
from django.db import DatabaseError, close_old_connections
from django.db.models.signals import post_migrate

from moderation import metrics, retention, row_errors
from moderation.conf import conf
from moderation.coordination import heartbeat, leases
from moderation.db import sqlite
from moderation.discovery.compare import reconcile_each
from moderation.discovery.search import Found, discover, remember_starts
from moderation.isolation import read_committed
from moderation.models import Screening
from moderation.monitoring import worker_port
from moderation.screening.claim import retry_failed
from moderation.screening.model import divide_cores
from moderation.screening.scorer import LibrariesMissing, LoadScorer, ModelNotReady, load_scorer
from moderation.versions import store
from moderation.visibility import action_thread, hiding, pending_actions
from moderation.worker import pools
from moderation.worker.drain import Drained, drain, give_back_all, stopping

logger = logging.getLogger("moderation.worker.sweeper")

LEASE = "sweep"
LEASE_SECONDS = 120
ACTIONS_OF_A_SWEEP = 200
APART = 0.75
"""Of `SWEEP_SECONDS`: no two sweeps look for what is new within less, however many workers there are."""
JOIN_SECONDS = 10.0


@dataclass
class Swept:
    """What one sweep did."""

    found: Found = field(default_factory=Found)
    acted: int = 0
    """Pending actions that were carried out."""
    retried: int = 0
    """Failed texts that a new model version tries again."""
    blanked: int = 0
    """Texts whose retention had ended."""
    drained: Drained = field(default_factory=Drained)


@read_committed()
def sweep(
    *,
    load: LoadScorer = load_scorer,
    stop: threading.Event = stopping,
    batches: int | None = None,
    seconds: float | None = None,
    apart: float = 0.0,
) -> Swept:
    """Find what is new, carry out what is pending, screen. Raises DatabaseError when the database is away.

    batches, seconds: how much to screen, at most; by default all that is pending. apart: for so many seconds
    after this one no other that is given it looks for what is new: a transaction that takes its key early and
    commits late has one sweep of delay, and workers that sweep one right after another must not use that up.
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
        finally:
            leases.give_back(LEASE, token, after=apart)
    done.drained = drain(load=load, stop=stop, batches=batches, seconds=seconds)
    heartbeat.beat(at_once=True)
    metrics.count_sweep(is_ok=True)
    return done


def _carry_out_actions(done: Swept) -> None:
    """What can't be carried out may have another text by now, unseen by any receiver: that is screened."""
    due = pending_actions.due(ACTIONS_OF_A_SWEEP)
    left = [key for key in due if not hiding.act(key)]
    done.acted = len(due) - len(left)
    if left:
        stuck = Screening.objects.filter(pk__in=left, is_current=True)
        done.found.edited += reconcile_each(list(stuck), _complain).edited


def _complain(row: Screening, error: BaseException) -> None:
    logger.error("Screening %s: its object can't be read (%s).", row.pk, type(error).__name__)


def _retry_failed() -> int:
    try:
        return retry_failed(store.active_version())
    except store.ModelUnavailable:
        return 0  # `drain` says so, if anything is pending


def _blank_due(stop: threading.Event) -> int:
    try:
        return retention.blank_due(chunks=retention.CHUNKS_OF_A_SWEEP, stop=stop)
    except Exception as error:  # screening goes before; its message may quote a row
        logger.error("Retention failed (%s); the next sweep goes on.", type(error).__name__)
        return 0


def note_failure(error: BaseException) -> None:
    """Count and log a sweep that failed, by the kind of error alone: its message may quote a row."""
    metrics.count_sweep(is_ok=False)
    metrics.count_failure(f"sweep:{type(error).__name__}")
    extra = {"code": "sweep-failed"}
    advice = sqlite.advice(error)
    logger.error("A sweep failed (%s); the next one goes on.%s", type(error).__name__, advice, extra=extra)


def warn_of_database() -> None:
    """Say at the start of what writes beside the site where SQLite was not set up for it."""
    for alias in sqlite.told_wrongly():
        logger.warning("%s Set %s (moderation.W001).", sqlite.what_is_wrong(alias), sqlite.OPTIONS)


class Sweeper(threading.Thread):
    """Sweeps until it is told to stop; outlives every error but the end of its process."""

    def __init__(self) -> None:
        super().__init__(name="moderation-sweep", daemon=True)

    def run(self) -> None:
        """Sweep until told to stop; what the site's callables are asked to do has a thread of its own."""
        with action_thread.running(JOIN_SECONDS / 2):
            self._run()

    def _run(self) -> None:
        self._warm_up()
        while not stopping.is_set():
            has_time = True
            try:
                close_old_connections()
                # In a backlog that lasts for hours, what is new and what is to be hidden has its turn, too.
                done = sweep(seconds=conf.SWEEP_SECONDS, apart=APART * conf.SWEEP_SECONDS)
                has_time = done.drained.can_wait
            except BaseException as error:
                if row_errors.ends_the_process(error):
                    raise
                note_failure(error)
            finally:
                close_old_connections()
            if has_time:  # not all workers in step
                stopping.wait(conf.SWEEP_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311

    def stop(self) -> None:
        """End after the slice at hand; a batch that is cut off all the same is no death of its worker."""
        stopping.set()
        if self.is_alive():
            self.join(JOIN_SECONDS)
        try:
            give_back_all()
        except DatabaseError as error:
            logger.warning("Claims were not given back (%s); their lease runs out.", type(error).__name__)
        heartbeat.stop()

    def _warm_up(self) -> None:
        """Load the model before the first comment waits for it."""
        heartbeat.beat(at_once=True)
        try:
            load_scorer(store.active_version())
        except (store.ModelUnavailable, ModelNotReady) as error:
            metrics.model_unavailable(lacks_libraries=isinstance(error, LibrariesMissing))
            logger.error("No model yet: %s", error)
        except Exception as error:
            logger.error("No model yet (%s).", type(error).__name__)


def connect() -> None:
    """Sweep in every Celery worker that screens, and note after `migrate` where discovery starts."""
    signals.celeryd_after_setup.connect(_on_worker, dispatch_uid="moderation.worker.sweeper")
    signals.worker_process_init.connect(_on_child, dispatch_uid="moderation.worker.sweeper")
    signals.worker_process_shutdown.connect(_on_stop, dispatch_uid="moderation.worker.sweeper.child")
    signals.worker_shutting_down.connect(_on_shutting_down, dispatch_uid="moderation.worker.sweeper")
    signals.worker_shutdown.connect(_on_stop, dispatch_uid="moderation.worker.sweeper")
    own = apps.get_app_config("moderation")
    post_migrate.connect(remember_starts, sender=own, dispatch_uid="moderation.discovery")


_sweeper: Sweeper | None = None
_is_sweeping_worker = False


def _on_worker(instance: Any, **_: Any) -> None:
    """A worker of the screening queue sweeps; one of other queues pays nothing for moderation.

    It loads no model, opens no port and has no heartbeat: it may have neither the libraries nor the memory.
    """
    global _is_sweeping_worker
    queues = instance.app.amqp.queues.consume_from
    _is_sweeping_worker = conf.QUEUE in queues and pools.can_score(instance, conf.QUEUE, queues)
    divide_cores(pools.processes(instance))
    if _is_sweeping_worker:
        warn_of_database()
        worker_port.open_port(is_prefork=pools.forks(instance))
    if _is_sweeping_worker and not pools.forks(instance):
        _start()


def _on_child(**_: Any) -> None:
    worker_port.leave_to_parent()
    if _is_sweeping_worker:
        _start()


def _on_shutting_down(**_: Any) -> None:
    stopping.set()


def _on_stop(**_: Any) -> None:
    if _sweeper is not None:
        _sweeper.stop()
    worker_port.close_port()


def _start() -> None:
    global _sweeper
    stopping.clear()
    _sweeper = Sweeper()
    _sweeper.start()
