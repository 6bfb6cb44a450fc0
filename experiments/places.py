"""Where the experiments read the data that a user names, and where they keep what they make."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

DATA_VARIABLE, RUNS_VARIABLE = "TOXICITY_DATA", "TOXICITY_RUNS"
HOLD_CHECK_SECONDS = 5.0


def data() -> Path:
    """Return the folder of the data, as README.md beside this says what is in it.

    Raises SystemExit where TOXICITY_DATA names none.
    """
    named = os.environ.get(DATA_VARIABLE, "")
    if not named or not Path(named).is_dir():
        raise SystemExit(f"Set {DATA_VARIABLE} to the folder of the data; experiments/README.md says more.")
    return Path(named)


def runs() -> Path:
    """Return the folder for what the experiments make, `runs` here unless TOXICITY_RUNS names another."""
    folder = Path(os.environ.get(RUNS_VARIABLE, "runs"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def wait_while_held() -> None:
    """Wait while a file `hold` lies in the folder of the runs, so that a machine can be lent for a time."""
    while (runs() / "hold").exists():
        time.sleep(HOLD_CHECK_SECONDS)


def load_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file by name. No pickled object is read."""
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def save_arrays(path: str | Path, arrays: dict[str, Any]) -> None:
    """Write an .npz file that appears whole or not at all: a killed run leaves no half of one."""
    path = Path(path)
    part = path.with_name(f"{path.stem}.{os.getpid()}.part.npz")
    np.savez_compressed(part, **arrays)
    os.replace(part, path)
