"""Celery tasks, thin: each calls one function."""

from __future__ import annotations

import logging

from celery import current_app, shared_task

from moderation import metrics, row_errors
from moderation.db import sqlite
from moderation.notifier import process_notifier
from moderation.retraining import schedule
from moderation.screening.claim import is_backlog
from moderation.screening.scorer import batch_limits
from moderation.worker.drain import drain as drain_pending

logger = logging.getLogger("moderation.tasks")

DRAIN_SECONDS = 20
"""Seconds after which the task ends and sends the next wake-up: a warm shutdown never waits longer."""
SOFT_LIMIT, HARD_LIMIT = 3600, 3900
"""In place of the site's `task_soft_time_limit` and `task_time_limit`, which may be meant for shorter tasks:
they would cut off a slow batch again and again, or kill its process, which counts as a death against every
text of it. By then a batch that hangs has lost its lease."""
TRAINING_LIMIT = 24 * 3600
"""Seconds after which a training is taken for hung."""


# Acknowledged early and never retried: the pending rows are the queue, and a lost wake-up is made up for by
# the next sweep. A late acknowledgement would only bring it back after the broker's visibility timeout.
@shared_task(  # type: ignore[untyped-decorator]
    ignore_result=True, acks_late=False, max_retries=0, soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT
)
def drain() -> None:
    """Screen everything that is pending."""
    process_notifier.acknowledge()
    try:
        # One message wakes one worker: each wakes the next while there is work for it.
        if not current_app.conf.task_always_eager and is_backlog(batch_limits().texts):
            process_notifier.notify()
        done = drain_pending(seconds=DRAIN_SECONDS)
    except BaseException as error:
        if row_errors.ends_the_process(error):
            raise
        metrics.count_failure(f"drain:{type(error).__name__}")
        # Celery would log the exception's message, and a database error quotes the row.
        name, advice = type(error).__name__, sqlite.advice(error)
        logger.error("Draining stopped (%s); the next sweep goes on.%s", name, advice)
        return
    if done.scored or done.failures:
        extra = {"count": done.scored, "failed": done.failures}
        logger.info("Screened %d, failed %d.", done.scored, done.failures, extra=extra)
    if done.is_ready and not done.is_finished:
        process_notifier.notify()


# A queue of its own: comments never wait for a training. Its message may get lost: the next look comes.
@shared_task(  # type: ignore[untyped-decorator]
    ignore_result=True,
    acks_late=False,
    max_retries=0,
    soft_time_limit=TRAINING_LIMIT,
    time_limit=TRAINING_LIMIT + 300,
    queue="training",
)
def retrain() -> None:
    """Train if somebody asked for it in the admin, or RETRAIN_AFTER decisions have come."""
    try:
        schedule.run_what_is_wanted()
    except Exception as error:
        # Celery would log the exception's message, and a database error quotes the row.
        logger.error("The training stopped (%s).", type(error).__name__)
