"""`manage.py demo`: what it shows, and that nothing of it is left behind however it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from mysite.demo.environment import BASE_DIR, free_port

SECONDS_TO_SAY = 240
"""How long a demo may take until it has said what a test waits for."""


@contextmanager
def demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process, without any of our variables; whatever is left of it is killed."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"SECRET_KEY", "DATABASE_URL", "REDIS_URL", "DEBUG", "DJANGO_SETTINGS_MODULE"}
    }
    process = subprocess.Popen(
        [sys.executable, str(BASE_DIR / "manage.py"), "demo", *arguments],
        env={**kept, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        for left in processes_in(process.args[-1]):  # type: ignore[index]
            left.kill()
        process.kill()
        process.communicate()


def processes_in(work: str) -> list[psutil.Process]:
    """Processes that belong to the demo in that work directory, itself not counted."""
    mine = []
    for process in psutil.process_iter():
        try:
            # Redis writes its title over its environment, but works in the directory itself.
            is_of_this_demo = work in process.environ().get("DATABASE_URL", "") or work in process.cwd()
            if is_of_this_demo and "demo" not in process.cmdline():
                mine.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return mine


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """What the demo printed up to and with the line that has `wanted`; a demo that never says it is ended."""
    assert process.stdout is not None
    lines = []
    alarm = threading.Timer(SECONDS_TO_SAY, process.kill)
    alarm.start()
    try:
        for line in process.stdout:
            lines.append(line)
            if wanted in line:
                return "".join(lines)
    finally:
        alarm.cancel()
    raise AssertionError(f"The demo ended without {wanted!r}:\n{''.join(lines)}")


def wait_until(is_true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return is_true()


def test_once_ends_with_the_verdicts_and_leaves_nothing_running(tmp_path: Path) -> None:
    with demo("--once", "--port", "0", "--work-dir", str(tmp_path)) as process:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output
        assert "16 comments:" in output
        assert "not as expected" not in output
        assert re.search(r"Login +admin +password \S+", output)
        assert "/admin/moderation/screening/" in output
        assert processes_in(str(tmp_path)) == []


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_demo(tmp_path: Path, ending: signal.Signals) -> None:
    if ending == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux can tie a process to its parent")
    with demo("--port", "0", "--work-dir", str(tmp_path)) as process:
        read_until(process, "Posted 16 sample comments")
        assert len(processes_in(str(tmp_path))) >= 3  # Redis, the worker, the server
        process.send_signal(ending)
        process.communicate(timeout=60)
        assert wait_until(lambda: processes_in(str(tmp_path)) == [])
        assert process.returncode == (-signal.SIGKILL if ending == signal.SIGKILL else 0)


def test_a_second_demo_in_the_same_directory_says_so(tmp_path: Path) -> None:
    with demo("--port", "0", "--work-dir", str(tmp_path)) as first:
        read_until(first, "Login")
        with demo("--port", "0", "--work-dir", str(tmp_path)) as second:
            output, _ = second.communicate(timeout=60)
        assert second.returncode == 1
        assert "Another demo is running" in output
        assert "Traceback" not in output


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        with demo("--once", "--port", str(port), "--work-dir", str(tmp_path)) as process:
            output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {port} cannot be used" in output
    assert f"--port {port + 1}" in output
    assert "Traceback" not in output
