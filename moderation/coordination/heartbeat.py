"""A worker's sign of life: a row in the database, which every machine can read."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error as DatabaseError

from moderation import metrics
from moderation.clock import Now
from moderation.coordination import processes
from moderation.models import WorkerHeartbeat

logger = logging.getLogger("moderation.monitoring")

BEAT_SECONDS = 10.0
"""Seconds between two beats of a busy worker; an idle one beats with each sweep."""
FORGET_AFTER = timedelta(days=1)
"""Age at which the rows of processes that died are deleted."""


def beat(*, at_once: bool = False) -> None:
    """Note that this process screens, at most every BEAT_SECONDS unless `at_once`. Never raises."""
    global _beaten
    metrics.heartbeat()
    pid, last = _beaten
    if not at_once and pid == os.getpid() and time.monotonic() - last < BEAT_SECONDS:
        return
    try:
        _write(is_first=pid != os.getpid())
        _beaten = (os.getpid(), time.monotonic())
    except DatabaseError as error:
        logger.debug("No heartbeat (%s).", type(error).__name__)


def stop() -> None:
    """Delete the heartbeat of this process, as it ends in order and is not missed. Never raises."""
    try:
        WorkerHeartbeat.objects.filter(name=processes.here()).delete()
    except DatabaseError as error:
        logger.debug("A heartbeat stays behind (%s).", type(error).__name__)


@contextmanager
def of_a_command() -> Iterator[None]:
    """Delete the heartbeat of a command when the caller ends, even by an error: nobody counts on it then."""
    try:
        yield
    finally:
        stop()


_beaten = (0, 0.0)
"""Process id and monotonic time of the last one written; a fork begins anew."""


def _write(*, is_first: bool) -> None:
    columns = {"seen": Now(), "version": metrics.loaded_version[:255], "trouble": metrics.trouble}
    name = processes.here()
    if not WorkerHeartbeat.objects.filter(name=name).update(**columns):
        WorkerHeartbeat.objects.bulk_create([WorkerHeartbeat(name=name, **columns)], ignore_conflicts=True)
    if is_first:
        WorkerHeartbeat.objects.filter(seen__lt=Now() - FORGET_AFTER).delete()
