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
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from celery import signals
from django.apps import apps
from django.db import DatabaseError, close_old_connections
from django.db.models import Q
from django.db.models.functions import Now
from django.db.models.signals import post_migrate

from moderation import model_store, visibility
from moderation.conf import conf
from moderation.models import Lease
from moderation.screening.claim import retry_failed
from moderation.screening.discovery import Found, discover, remember_starts
from moderation.screening.drain import Drained, drain, give_back_all, stopping
from moderation.screening.score import LoadScorer, ModelNotReady, load_scorer

logger = logging.getLogger("moderation.sweep")

LEASE = "sweep"
LEASE_SECONDS = 120
ACTIONS_OF_A_SWEEP = 200
JOIN_SECONDS = 10.0


@dataclass
class Swept:
    """What one sweep did."""

    found: Found = field(default_factory=Found)
    acted: int = 0
    """Pending actions that were carried out."""
    retried: int = 0
    """Failed texts that a new model version tries again."""
    drained: Drained = field(default_factory=Drained)


def sweep(
    *, load: LoadScorer = load_scorer, stop: threading.Event = stopping, batches: int | None = None
) -> Swept:
    """Find what is new, carry out what is pending, screen. Raises DatabaseError when the database is away."""
    done = Swept()
    token = _take_lease()
    if token is not None:
        try:
            done.found = discover()
            done.acted = sum(visibility.act(key) for key in visibility.actions_due(ACTIONS_OF_A_SWEEP))
            done.retried = _retry_failed()
        finally:
            Lease.objects.filter(name=LEASE, token=token).update(token=None, until=None)
    done.drained = drain(load=load, stop=stop, batches=batches)
    return done


def _retry_failed() -> int:
    try:
        return retry_failed(model_store.active_version())
    except model_store.ModelUnavailable:
        return 0  # `drain` says so, if anything is pending


def _take_lease() -> uuid.UUID | None:
    """None while another process sweeps."""
    token = uuid.uuid4()
    Lease.objects.get_or_create(name=LEASE)
    free = Lease.objects.filter(Q(until=None) | Q(until__lt=Now()), name=LEASE)
    taken = free.update(token=token, until=Now() + timedelta(seconds=LEASE_SECONDS))
    return token if taken else None


class Sweeper(threading.Thread):
    """Sweeps until it is told to stop; outlives every error but the end of its process."""

    def __init__(self) -> None:
        super().__init__(name="moderation-sweep", daemon=True)

    def run(self) -> None:
        self._warm_up()
        while not stopping.is_set():
            try:
                close_old_connections()
                sweep()
            except Exception as error:  # its message may quote a row
                logger.error("A sweep failed (%s); the next one goes on.", type(error).__name__)
            finally:
                close_old_connections()
            # Not all workers in step.
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

    def _warm_up(self) -> None:
        """Load the model before the first comment waits for it."""
        try:
            load_scorer(model_store.active_version())
        except (model_store.ModelUnavailable, ModelNotReady) as error:
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
_is_sweeping_worker = False


def _on_worker(instance: Any, **_: Any) -> None:
    """Workers of the screening queue sweep, and those of the default queue, in case no other is started."""
    global _is_sweeping_worker
    queues = instance.app.amqp.queues.consume_from
    _is_sweeping_worker = bool({conf.QUEUE, instance.app.conf.task_default_queue} & set(queues))
    if _is_sweeping_worker and "prefork" not in _pool_name(instance):
        _start()


def _on_child(**_: Any) -> None:
    if _is_sweeping_worker:
        _start()


def _on_shutting_down(**_: Any) -> None:
    stopping.set()


def _on_stop(**_: Any) -> None:
    if _sweeper is not None:
        _sweeper.stop()


def _start() -> None:
    global _sweeper
    stopping.clear()
    _sweeper = Sweeper()
    _sweeper.start()


def _pool_name(worker: Any) -> str:
    pool = worker.pool_cls
    return pool if isinstance(pool, str) else str(pool.__module__)
