"""Runs the classifier library's command line in a process of its own, and explains how it failed."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moderation.versions import artifacts

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.5
"""Seconds between two looks at what the process says of its progress."""

OnProgress = Callable[[dict[str, Any]], None]


class RetrainingFailed(Exception):
    """Nothing was activated; the message says what to do, `code` stands in the training run."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def run_classifier(
    command: str, *arguments: object, output: Path, on_progress: OnProgress | None = None
) -> None:
    """Run `python -m toxicity_ml COMMAND ... --json > output`. Raises RetrainingFailed.

    on_progress: is called with {"stage", "step", "steps", "seconds_left"} whenever the process has said
    something new, for a command that knows `--progress`. What it raises ends the process.
    """
    package = str(artifacts.packaged_directory().parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        # A thread that waits for the others would take the processor from whoever screens comments, and on a
        # busy machine several times what the training itself takes.
        "OMP_WAIT_POLICY": "PASSIVE",
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "HF_HUB_OFFLINE": "1",
    }
    call = [sys.executable, "-m", "toxicity_ml", command, *map(str, arguments), "--json"]
    said = output.with_suffix(".progress")
    if on_progress is not None:
        said.write_bytes(b"")
        call += ["--progress", str(said)]
    errors = output.with_suffix(".err")
    with output.open("wb") as out, errors.open("wb") as err:
        stderr = None if sys.stderr.isatty() else err  # a person watches the progress bar; a log needs none
        process = subprocess.Popen(
            call, stdout=out, stderr=stderr, env=environment, cwd=output.parent, preexec_fn=_give_way
        )
        try:
            status = process.wait() if on_progress is None else _followed(process, said, on_progress)
        finally:
            process.kill()
            process.wait()
    if status != 0:
        raise _failure(command, status, errors.read_text(encoding="utf-8", errors="replace"))


def _followed(process: subprocess.Popen[bytes], said: Path, on_progress: OnProgress) -> int:
    """Wait for the end, and pass on the newest line of each look; return the exit status."""
    seen = 0
    while True:
        try:
            status: int | None = process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        with said.open("rb") as file:
            file.seek(seen)
            whole, _, _ = file.read().rpartition(b"\n")
        if whole:
            seen += len(whole) + 1
            on_progress(json.loads(whole.rpartition(b"\n")[2]))
        if status is not None:
            return status


def _give_way() -> None:
    """Lower the child's priority, so that comments are scored first; on Linux, end it with its parent.

    It ends at once: the next run may write into the same folder.
    """
    os.nice(10)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _failure(command: str, status: int, errors: str) -> RetrainingFailed:
    if "No space left on device" in errors or "os error 28" in errors:
        return RetrainingFailed(
            "disk-full", "The disk is full: make room for the training, and start it again."
        )
    if status < 0:
        return RetrainingFailed(
            f"killed-by-signal-{-status}",
            f"The process of `{command}` was killed by signal {-status}; 9 is mostly the system, short of "
            "memory.",
        )
    kind = _last_error_type(errors)
    return RetrainingFailed(
        f"{command}-failed",
        f"`{command}` ended with status {status}{f', {kind}' if kind else ''}. Its own words may quote a "
        "text and are not repeated here: run `retrain` on a terminal to read them.",
    )


def _last_error_type(errors: str) -> str:
    """Return the type of the exception that ended the process, such as ValueError, or nothing."""
    _, traceback, rest = errors.rpartition("Traceback (most recent call last):")
    if not traceback:
        return ""
    # The first line that is not indented; whatever follows the colon, and below it, is its message.
    ended_with = re.search(r"^(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w{0,60})(?=:|$)", rest.lstrip("\n"), re.M)
    return ended_with[1] if ended_with else ""
