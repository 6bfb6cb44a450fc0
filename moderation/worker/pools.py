"""Tells from the pool of a Celery worker which of its processes score, and how many share the cores."""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger("moderation.sweep")

GREEN = ("gevent", "eventlet")
"""Pools of greenlets on one thread: the classifier would hold up all of them, and its lease with them."""


def name(worker: Any) -> str:
    """Return the pool's name: solo, thread, prefork, gevent, eventlet, or the module of a site's own pool."""
    pool = worker.pool_cls
    module = pool if isinstance(pool, str) else str(pool.__module__)
    return module.partition(":")[0].removeprefix("celery.concurrency.")


def forks(worker: Any) -> bool:
    """True where only the children score, not the worker process itself."""
    return name(worker) == "prefork"


def processes(worker: Any) -> int:
    """Return how many processes score side by side, and have to share the cores."""
    if not forks(worker):
        return 1
    return int(getattr(worker, "max_concurrency", None) or worker.concurrency or 1)


def can_score(worker: Any, queue: str, queues: Any) -> bool:
    """False for a pool of greenlets; where it consumes the queue all the same, that is logged."""
    if name(worker) not in GREEN:
        return True
    if queue in queues:
        logger.error(
            'This worker takes the queue "%s" with the pool %s: scoring holds up all of its greenlets, and '
            "leases run out meanwhile. It does not sweep. Give the queue a worker of its own, with --pool "
            "solo, threads or prefork.",
            queue,
            name(worker),
        )
    return False
