"""Runs the thread on which every worker sweeps by itself, with or without a broker.

With the pools `solo` and `threads` that is one thread of the worker process, started before the worker first
looks for its broker. With `prefork` the parent never scores (the children would inherit a classifier whose
threads did not survive the fork), so each child has its thread; a lease in the database lets one of them look
for what is new, and claims let them share what is pending.
"""

from __future__ import annotations

import logging
import random
import threading
from typing import Any

from celery import signals
from django.apps import apps
from django.db import DatabaseError, close_old_connections
from django.db.models.signals import post_migrate

from moderation import metrics, row_errors
from moderation.conf import conf
from moderation.coordination import heartbeat
from moderation.discovery.search import remember_starts
from moderation.monitoring import worker_port
from moderation.screening.model import divide_cores
from moderation.screening.scorer import LibrariesMissing, ModelNotReady, load_scorer
from moderation.versions import store
from moderation.visibility import action_thread
from moderation.webhooks import delivery_thread
from moderation.worker import pools
from moderation.worker.process import worker_process
from moderation.worker.sweep import note_failure, sweep, warn_of_database

logger = logging.getLogger("moderation.sweep")

APART = 0.75
"""Of `SWEEP_SECONDS`: no two sweeps look for what is new within less, however many workers there are."""
JOIN_SECONDS = 10.0


class Sweeper(threading.Thread):
    """Sweeps until it is told to stop; outlives every error but the end of its process."""

    def __init__(self) -> None:
        super().__init__(name="moderation-sweep", daemon=True)

    def run(self) -> None:
        """Sweep until told to stop; the site's callables and its webhooks have threads of their own."""
        with action_thread.running(JOIN_SECONDS / 2), delivery_thread.running(JOIN_SECONDS / 4):
            self._run()

    def _run(self) -> None:
        self._warm_up()
        while not worker_process.stopping.is_set():
            has_time = True
            try:
                close_old_connections()
                # In a backlog that lasts for hours, what is new and what is to be hidden has its turn, too.
                done = sweep(seconds=conf.SWEEP_SECONDS, apart=APART * conf.SWEEP_SECONDS)
                has_time = done.drained.can_wait and not done.has_bulk_left
            except BaseException as error:
                if row_errors.ends_the_process(error):
                    raise
                note_failure(error)
            finally:
                close_old_connections()
            if has_time:  # not all workers in step
                worker_process.stopping.wait(conf.SWEEP_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311

    def stop(self) -> None:
        """Stop after the slice at hand, and release what is claimed: a batch cut off counts as no death."""
        worker_process.stopping.set()
        if self.is_alive():
            self.join(JOIN_SECONDS)
        try:
            worker_process.release_all()
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
    signals.celeryd_after_setup.connect(_on_worker, dispatch_uid="moderation.sweep")
    signals.worker_process_init.connect(_on_child, dispatch_uid="moderation.sweep")
    signals.worker_process_shutdown.connect(_on_stop, dispatch_uid="moderation.sweep.child")
    signals.worker_shutting_down.connect(_on_shutting_down, dispatch_uid="moderation.sweep")
    signals.worker_shutdown.connect(_on_stop, dispatch_uid="moderation.sweep")
    own = apps.get_app_config("moderation")
    post_migrate.connect(remember_starts, sender=own, dispatch_uid="moderation.discovery")


_sweeper: Sweeper | None = None


def _on_worker(instance: Any, **_: Any) -> None:
    """Have a worker of the screening queue sweep; one of other queues pays nothing for moderation.

    It loads no model, opens no port and has no heartbeat: it may have neither the libraries nor the memory.
    """
    queues = instance.app.amqp.queues.consume_from
    worker_process.is_sweeping = conf.QUEUE in queues and pools.can_score(instance, conf.QUEUE, queues)
    divide_cores(pools.processes(instance))
    if worker_process.is_sweeping:
        warn_of_database()
        worker_port.open_port(is_prefork=pools.forks(instance))
    if worker_process.is_sweeping and not pools.forks(instance):
        _start()


def _on_child(**_: Any) -> None:
    worker_port.leave_to_parent()
    if worker_process.is_sweeping:
        _start()


def _on_shutting_down(**_: Any) -> None:
    worker_process.stopping.set()


def _on_stop(**_: Any) -> None:
    if _sweeper is not None:
        _sweeper.stop()
    worker_port.close_port()


def _start() -> None:
    global _sweeper
    worker_process.stopping.clear()
    _sweeper = Sweeper()
    _sweeper.start()
