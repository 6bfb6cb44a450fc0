"""Child processes that never outlive the demo: Redis, the worker and the server."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
SECONDS_TO_STOP = 8.0


class ChildFailed(Exception):
    """A child process ended, or did not get ready; says which, and ends with the last lines of its log."""


class Child:
    """One process in a group of its own, its output in a log file."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

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
                late = f"The {self.name} was not ready after {seconds:.0f} s."
                raise ChildFailed(f"{late}\n{self.last_lines()}")
            time.sleep(0.05)

    def last_lines(self, count: int = 12) -> str:
        """The end of its log, and where the rest is."""
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join([f"The end of {self.log}:", *(f"  {line}" for line in lines)])

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and to all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


class Children:
    """The processes of one run, in the order of their start; leaving the context stops them."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def __enter__(self) -> "Children":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> Child:
        """Start one process.

        Call this on the main thread: on Linux a child dies with the thread that made it.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output, _signals_held_back():
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which stops its children in order
                preexec_fn=_bound_to_this_process(),
            )
            child = Child(name, process, log)
            self._children.append(child)
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended already, which check() reports
                process.stdin.write(stdin)
                process.stdin.close()
        return child

    def check(self) -> None:
        """Raise ChildFailed when one of them has ended."""
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """Ask all of them to end, the latest first, and kill what has not ended after a few seconds."""
        children = self._children[::-1]
        deadline = time.monotonic() + SECONDS_TO_STOP
        for child in children:
            child.signal_group(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.1, deadline - time.monotonic()))
            child.signal_group(signal.SIGKILL)
            child.process.wait()
        self._children.clear()


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let no signal come between the start of a process and the note that it runs."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def _bound_to_this_process() -> Callable[[], None]:
    """What the child does first: hear signals again and, on Linux, die when the demo dies in any way."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the kernel was asked
                os._exit(1)

    return prepare
