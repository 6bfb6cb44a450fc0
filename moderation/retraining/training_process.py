"""Runs the classifier library's command line in a process of its own, and explains how it failed."""

import ctypes
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from moderation.versions import artifacts

PR_SET_PDEATHSIG = 1


class RetrainingFailed(Exception):
    """Nothing was activated; the message says what to do, `code` stands in the training run."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def run_classifier(command: str, *arguments: object, output: Path) -> None:
    """Run `python -m toxicity_ml COMMAND ... --json > output`. Raises RetrainingFailed."""
    package = str(artifacts.packaged_directory().parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HUB_OFFLINE": "1"}
    call = [sys.executable, "-m", "toxicity_ml", command, *map(str, arguments), "--json"]
    errors = output.with_suffix(".err")
    with output.open("wb") as out, errors.open("wb") as err:
        stderr = None if sys.stderr.isatty() else err  # a person watches the progress bar; a log needs none
        process = subprocess.Popen(
            call, stdout=out, stderr=stderr, env=environment, cwd=output.parent, preexec_fn=_give_way
        )
        try:
            status = process.wait()
        finally:
            process.kill()
            process.wait()
    if status != 0:
        raise _failure(command, status, errors.read_text(encoding="utf-8", errors="replace"))


def _give_way() -> None:
    """Lower the child's priority, so that comments are scored first; on Linux, end it with its parent."""
    os.nice(10)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


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
