"""All tests, in three runs at the same time: the app on SQLite and on PostgreSQL, and everything else.

    python -m tests

The output of the first run is shown as it comes, that of the others when all have ended. Exits with 0 only if
all were green.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Any

PYTEST = (sys.executable, "-m", "pytest")
BESIDE = (*PYTEST, "-p", "no:cacheprovider")
"""The cache of what failed last is the first run's."""
SECONDS_TO_HEAR, SECONDS_TO_END = 5, 60
APP = ("tests/moderation", "tests/faults")
RUNS = {
    "The app on SQLite": ("sqlite", (*PYTEST, *APP)),
    "The app on PostgreSQL": ("postgresql", (*BESIDE, *APP)),
    "Everything else": ("sqlite", (*BESIDE, "tests", *(f"--ignore={path}" for path in APP))),
}


def main() -> int:
    """The exit code of the first run that was not green, or 0."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with ExitStack() as stack:
        first, *others = RUNS
        outputs = {name: stack.enter_context(tempfile.TemporaryFile()) for name in others}
        runs: list[subprocess.Popen[bytes]] = []
        try:
            runs.append(_start(*RUNS[first]))
            for name in others:
                runs.append(_start(*RUNS[name], stdout=outputs[name], stderr=subprocess.STDOUT))
            runs[0].wait()
            print("\nWaiting for the others …", flush=True)
            for run in runs:
                run.wait()
        finally:
            _end(runs)
            for name, output in outputs.items():
                _show(name, output)
    return next((run.returncode for run in runs if run.returncode), 0)


def _start(database: str, command: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
    # Threads of one training wait for each other; with three runs beside each other they wait for long.
    environment = {"OMP_NUM_THREADS": "1", **os.environ, "TEST_DATABASE": database}
    for name in ("DATABASE_URL", "TEST_WORK_DIRECTORY"):  # each run has its own
        environment.pop(name, None)
    return subprocess.Popen(command, env=environment, **streams)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _end(runs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Where this process was interrupted: let all clean up, as pytest does on Ctrl-C."""
    for run in runs:
        try:
            run.wait(SECONDS_TO_HEAR)  # Ctrl-C in a terminal reaches them, too
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGINT)
    for run in runs:
        try:
            run.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            run.kill()


def _show(name: str, output: IO[bytes]) -> None:
    output.seek(0)
    sys.stdout.buffer.write(f"\n{name}:\n".encode() + output.read())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
