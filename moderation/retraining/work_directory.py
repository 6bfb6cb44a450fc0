"""The folder in which a run trains: made where there is room for it."""

from __future__ import annotations

import shutil
from pathlib import Path

from moderation.retraining.training_process import RetrainingFailed
from moderation.versions.training_folders import of_run, remove, remove_all, root

__all__ = ["NEEDED_BYTES", "of_run", "opened", "remove", "remove_all", "root"]

NEEDED_BYTES = 1024**3
"""Room that a training takes for a while: checkpoints with the optimiser's state, and the result."""


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
