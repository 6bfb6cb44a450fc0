"""Child processes that never outlive the demo: Redis, the worker and the server."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
SECONDS_TO_STOP = 8.0


class ChildFailed(Exception):
    """A child process ended, or did not get ready; says which, and ends with the last lines of its log."""


class Child:
    """One process in a group of its own, its output in a log file."""

    def __init__(self, name: str, command: Sequence[str], log: Path, stdin: bytes | None = None) -> None:
        """Start it. Call this on the main thread: on Linux the child is killed with the thread that made it."""
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then stops its children in order
                preexec_fn=_killed_with_its_parent(),
            )
        if self.process.stdin is not None:
            self.process.stdin.write(stdin or b"")
            self.process.stdin.close()

    def check(self) -> None:
        """Raise ChildFailed when the process has ended."""
        if (code := self.process.poll()) is not None:
            raise ChildFailed(f"The {self.name} ended by itself (exit code {code}).\n{self.last_lines()}")

    def wait_until(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Wait for `is_ready`, or raise ChildFailed."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise ChildFailed(
                    f"The {self.name} was not ready after {seconds:.0f} s.\n{self.last_lines()}"
                )
            time.sleep(0.05)

    def last_lines(self, count: int = 12) -> str:
        """The end of its log, and where the rest is."""
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines)])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it started."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return


def stop(children: Sequence[Child]) -> None:
    """Ask all of them to end, and kill what has not after a few seconds."""
    for child in children:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + SECONDS_TO_STOP
    for child in children:
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        child.signal(signal.SIGKILL)
        child.process.wait()


def _killed_with_its_parent() -> Callable[[], None] | None:
    """On Linux the kernel kills the child when the demo dies in any way at all, SIGKILL included."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask_the_kernel() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the kernel was asked
            os._exit(1)

    return ask_the_kernel
