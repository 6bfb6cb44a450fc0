"""The folder in which a run trains: private, beside the cache of versions, and gone when the run ends.

It holds comments as training files, so no more than one is there, and the next run removes what a killed one
left, unless it goes on from it.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from django.db import connections, router

from moderation.conf import conf
from moderation.models import TrainingRun
from moderation.retraining.training_process import RetrainingFailed

NEEDED_BYTES = 1024**3
"""Room that a training takes for a while: checkpoints with the optimiser's state, and the result."""


def root() -> Path:
    """Return where such folders of this site are: two sites of one user on a machine may share the cache."""
    told = connections[router.db_for_write(TrainingRun)].settings_dict
    database = "\n".join(str(told.get(key) or "") for key in ("ENGINE", "HOST", "PORT", "NAME"))
    return Path(conf.MODEL_CACHE) / "retraining" / hashlib.sha256(database.encode()).hexdigest()[:16]


def of_run(number: int) -> Path:
    """Return the folder of a run, which need not be there."""
    return root() / f"run-{number}"


def opened(number: int) -> Path:
    """Make the folder of a run where it is missing. Raises RetrainingFailed where the disk is nearly full."""
    place = of_run(number)
    root().mkdir(mode=0o700, parents=True, exist_ok=True)
    place.mkdir(mode=0o700, exist_ok=True)
    free = shutil.disk_usage(place).free
    if free < NEEDED_BYTES:
        raise RetrainingFailed(
            "disk-full",
            f"{root()} has {free >> 20} MiB left; a training takes up to {NEEDED_BYTES >> 20}.",
        )
    return place


def remove(number: int) -> None:
    """Remove the folder of a run that ends."""
    shutil.rmtree(of_run(number), ignore_errors=True)


def remove_all(but: int | None = None) -> None:
    """Remove the folders of all runs but that one. Call it under the lease alone."""
    for place in root().glob("run-*"):
        if but is None or place != of_run(but):
            shutil.rmtree(place, ignore_errors=True)
