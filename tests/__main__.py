"""All tests: everything on SQLite and, at the same time, what touches the database on PostgreSQL.

    python -m tests

The second run's output is shown when both have ended. Exits with 0 only if both were green.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import IO, Any

PYTEST = (sys.executable, "-m", "pytest")
SECONDS_TO_HEAR, SECONDS_TO_END = 5, 60
ON_POSTGRESQL = ("tests/moderation", "tests/faults")


def main() -> int:
    """The exit code of the first run that was not green, or 0."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with tempfile.TemporaryFile() as output:
        runs: list[subprocess.Popen[bytes]] = []
        try:
            # The cache of what failed last is the first run's.
            beside = [*PYTEST, "-p", "no:cacheprovider", *ON_POSTGRESQL]
            runs.append(_start("postgresql", beside, stdout=output, stderr=subprocess.STDOUT))
            runs.append(_start("sqlite", PYTEST))
            on_sqlite = runs[1].wait()
            print("\nWaiting for the run on PostgreSQL …", flush=True)
            on_postgresql = runs[0].wait()
        finally:
            _end(runs)
            _show(output)
    return on_sqlite or on_postgresql


def _start(database: str, command: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TEST_DATABASE": database}
    for name in ("DATABASE_URL", "TEST_WORK_DIRECTORY"):  # each run has its own
        environment.pop(name, None)
    return subprocess.Popen(command, env=environment, **streams)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def _end(runs: Sequence[subprocess.Popen[bytes]]) -> None:
    """Where this process was interrupted: let both clean up, as pytest does on Ctrl-C."""
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


def _show(output: IO[bytes]) -> None:
    output.seek(0)
    sys.stdout.buffer.write(b"\nOn PostgreSQL:\n" + output.read())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
