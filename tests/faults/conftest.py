"""Real worker processes on the tests' own database and Redis, that can be killed like on a bad day."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection

from moderation import doorbell as doorbell_module
from moderation.doorbell import Doorbell
from moderation.models import Screening
from moderation.screening.discovery import remember_starts
from mysite.demo.processes import Child, Children
from tests.conftest import uses_postgresql
from tests.servers import RedisServer

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180
"""Seconds. Far more than anything here takes; only a loaded machine comes near it."""


class Workers:
    """Starts `celery worker` processes and ends them in every way."""

    def __init__(self, children: Children, logs: Path, environment: dict[str, str]) -> None:
        self._children = children
        self._logs = logs
        self._environment = environment
        self._count = 0
        self.running: list[Child] = []

    def start(self, pool: str = "solo") -> Child:
        """Start one; comments wait for it, tests don't."""
        self._count += 1
        name = f"worker-{self._count}"
        command = [sys.executable, "-m", "celery", "--app", "mysite", "--workdir", str(ROOT), "worker"]
        options = ["--queues", "screening", "--pool", pool, "--concurrency", "2", "--loglevel", "INFO"]
        options += ["--hostname", f"{name}@{os.getpid()}", "--without-gossip", "--without-mingle"]
        log = self._logs / f"{name}.log"
        worker = self._children.start(name, [*command, *options], log, environment=self._environment)
        self.running.append(worker)
        return worker

    def kill(self, worker: Child) -> None:
        """As the kernel does when memory runs out: at once, children included."""
        worker.signal_group(signal.SIGKILL)
        worker.process.wait()
        self.running.remove(worker)

    def stop(self, worker: Child) -> int:
        """As a deployment does; the exit code."""
        worker.process.send_signal(signal.SIGTERM)
        code = worker.process.wait(PATIENCE)
        self.running.remove(worker)
        return code

    def wait_for(self, happens: Callable[[], Any], what: str, *, pause: float = 0.05) -> Any:
        """Look until it has happened; what was found."""
        deadline = time.monotonic() + PATIENCE
        while not (found := happens()):
            for worker in self.running:
                worker.check()
            if time.monotonic() > deadline:
                logs = "\n".join(worker.last_lines(40) for worker in self.running)
                raise AssertionError(f"Waited {PATIENCE} s for: {what}.\n{logs}")
            time.sleep(pause)
        return found

    def wait_until_screened(self, count: int) -> None:
        """Wait until that many current texts have their verdict, and nothing is pending."""
        done = Screening.objects.filter(is_current=True, status="done")
        self.wait_for(lambda: done.count() >= count and not Screening.objects.pending().exists(), "screening")

    def log(self) -> str:
        """What all of them have logged so far."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._logs.glob("*.log")))


@pytest.fixture
def broker(
    redis_server: RedisServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisServer]:
    """Redis as the site in this process and the workers know it; running and empty before each test."""
    app = current_app._get_current_object()
    before = app.conf.broker_url
    settings.MODERATION = {**settings.MODERATION, "REDIS_URL": redis_server.url}
    app.conf.broker_url = redis_server.url
    monkeypatch.setattr(doorbell_module, "doorbell", Doorbell())
    redis_server.stop()
    redis_server.start()
    yield redis_server
    redis_server.stop()
    redis_server.start()
    app.conf.broker_url = before


@pytest.fixture
def model_directory(tmp_path: Path, settings: Any) -> Path:
    """Where trained model versions lie, for the workers and for this process."""
    directory = tmp_path / "versions"
    settings.MODERATION = {**settings.MODERATION, "MODEL_DIRECTORY": str(directory)}
    return directory


@pytest.fixture
def workers(
    transactional_db: None,
    request: pytest.FixtureRequest,
    broker: RedisServer,
    model_directory: Path,
    tmp_path: Path,
) -> Iterator[Workers]:
    """Workers on the database of this test; ended before its tables are emptied."""
    remember_starts()
    if uses_postgresql():
        server = request.getfixturevalue("postgres_server")
        database = server.url(connection.settings_dict["NAME"])
    else:
        database = f"sqlite:///{connection.settings_dict['NAME']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.worker_settings",
        "DATABASE_URL": database,
        "REDIS_URL": broker.url,
        "MODEL_DIRECTORY": str(model_directory),
        "OMP_NUM_THREADS": "1",
    }
    with Children() as children:
        yield Workers(children, tmp_path / "logs", environment)
