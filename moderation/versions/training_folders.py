"""Where trainings keep their files while they run, and what becomes of what a killed one left.

Such a folder holds comments as training files. It is private, lies beside the cache of versions, and goes
when its run ends. A run that was killed is gone on with by the next one; where none comes, the folder goes
after LEFT_HOURS all the same. A worker's sweep, the training worker or `blank_texts` removes it, on that
machine.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import connections, router
from django.utils import timezone

from moderation.conf import conf
from moderation.coordination import leases
from moderation.models import TrainingRun

LEASE = "retraining"
"""The right to train, and to touch these folders."""
LEASE_SECONDS = 180.0
"""Seconds of the lease, renewed meanwhile: a process that has not renewed it is taken for dead."""
LEFT_HOURS = 24.0
"""For how long a killed run may be gone on with."""
SEARCH, SEARCH_HOURS = "doubts-", 1.0
"""How folders of searches for contradictions begin, which take no lease, and how long one may be silent."""


def root() -> Path:
    """Return where such folders of this site are: two sites of one user on a machine may share the cache."""
    told = connections[router.db_for_write(TrainingRun)].settings_dict
    database = "\n".join(str(told.get(key) or "") for key in ("ENGINE", "HOST", "PORT", "NAME"))
    return Path(conf.MODEL_CACHE) / "retraining" / hashlib.sha256(database.encode()).hexdigest()[:16]


def of_run(number: int) -> Path:
    """Return the folder of a run, which need not be there."""
    return root() / f"run-{number}"


def remove(number: int) -> None:
    """Remove the folder of a run that ends."""
    shutil.rmtree(of_run(number), ignore_errors=True)


def remove_all(but: int | None = None) -> None:
    """Remove the folders of all runs but that one. Call it under the lease alone."""
    for place in root().glob("run-*"):
        if but is None or place != of_run(but):
            shutil.rmtree(place, ignore_errors=True)


def remove_left(hours: float = LEFT_HOURS) -> int:
    """Remove the folders on this machine that killed runs left, and mark those runs as failed; how many.

    hours: since anything in a folder was written; 0: all of them, however new. What a killed search for
    contradictions left goes, too. Does nothing while a training goes on. Raises DatabaseError.
    """
    if not any(_left(hours)):
        return 0
    token = leases.take(LEASE, LEASE_SECONDS)
    if token is None:
        return 0  # it has removed what others left, and its own folder goes when it ends
    try:
        removed = list(_left(hours))
        for place in removed:
            shutil.rmtree(place, ignore_errors=True)
        numbers = [int(name[4:]) for place in removed if (name := place.name).startswith("run-")]
        dead = TrainingRun.objects.filter(pk__in=numbers, status=TrainingRun.Status.RUNNING, candidate=None)
        dead.update(status=TrainingRun.Status.FAILED, error_code="killed", finished=timezone.now())
    finally:
        leases.give_back(LEASE, token)
    return len(removed)


def _left(hours: float) -> Iterator[Path]:
    """Yield the folders in which nothing was written for that long; of searches for SEARCH_HOURS at least."""
    now = time.time()
    for place in sorted(root().glob("run-*")):
        if place.name.removeprefix("run-").isdecimal() and _written(place) <= now - 3600 * hours:
            yield place
    for place in sorted(root().glob(f"{SEARCH}*")):
        if _written(place) <= now - 3600 * max(hours, SEARCH_HOURS):
            yield place


def _written(place: Path) -> float:
    """Return when something in the folder was written last, in seconds since 1970."""
    written = 0.0
    for path in (place, *place.iterdir()):
        try:
            written = max(written, path.stat().st_mtime)
        except OSError:  # it is being removed
            continue
    return written
