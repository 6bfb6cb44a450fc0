"""Real `celery worker` processes, that can be ended in every way of a bad day."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from moderation.models import Screening
from mysite.demo.processes import Child, Children

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180
"""Seconds. Far more than anything here takes; only a loaded machine comes near it."""


TAKING_TIME = {"SECONDS_TO_SCORE": "2"}
"""Environment of a worker that holds every batch for so long."""
PATIENT = {"DOORBELL_SECONDS": "10"}
"""Environment of a worker that does not give up a broker which is merely slow."""


class Workers:
    """Starts them on the database and the Redis of a test, kills, freezes and supervises them."""

    def __init__(self, children: Children, directory: Path, environment: Mapping[str, str]) -> None:
        self.mails = directory / "mails"
        """Where their error mails lie as files."""
        self.mails.mkdir(parents=True)
        self.running: list[Child] = []
        self.deaths = 0
        """How often a supervised worker ended by itself."""
        self._directory = directory
        self._children = children
        self._environment = {**environment, "MAIL_DIRECTORY": str(self.mails)}
        self._count = 0
        self._supervised: dict[str, dict[str, Any]] = {}

    def start(
        self,
        pool: str = "solo",
        *,
        moderation: Mapping[str, Any] | None = None,
        settings: str = "tests.faults.worker_settings",
        is_supervised: bool = False,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> Child:
        """Start one; comments wait for it, tests don't.

        moderation: keys of MODERATION that differ from those of the other workers. is_supervised: start
        another whenever it ends by itself, as systemd does. options: of the command line, which win.
        """
        self._count += 1
        name = f"worker-{self._count}"
        command = [sys.executable, "-m", "celery", "--app", "mysite", "--workdir", str(ROOT), "worker"]
        usual = ["--queues", "screening", "--pool", pool, "--concurrency", "2", "--loglevel", "INFO"]
        usual += ["--hostname", f"{name}@{os.getpid()}", "--without-gossip", "--without-mingle"]
        worker = self._children.start(
            name,
            [*command, *usual, *options],
            self._directory / f"{name}.log",
            environment={
                **self._environment,
                "DJANGO_SETTINGS_MODULE": settings,
                "WORKER_MODERATION": json.dumps(moderation or {}),
                **(environment or {}),
            },
        )
        self.running.append(worker)
        if is_supervised:
            self._supervised[name] = {
                "pool": pool,
                "moderation": moderation,
                "settings": settings,
                "environment": environment,
                "options": options,
            }
        return worker

    def start_loop(self, *, moderation: Mapping[str, Any] | None = None) -> Child:
        """Start `screen_pending --loop`, as a site without Celery has it."""
        without_celery = {"BROKER": False, **(moderation or {})}
        return self.start_command("screen_pending", "--loop", moderation=without_celery)

    def start_command(
        self,
        command: str,
        *arguments: str,
        moderation: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a command of manage.py."""
        self._count += 1
        name = f"{command}-{self._count}"
        process = self._children.start(
            name,
            [sys.executable, str(ROOT / "manage.py"), command, *arguments],
            self._directory / f"{name}.log",
            environment={
                **self._environment,
                "DJANGO_SETTINGS_MODULE": "tests.faults.worker_settings",
                "WORKER_MODERATION": json.dumps(moderation or {}),
                "PYTHONUNBUFFERED": "1",
                **(environment or {}),
            },
        )
        self.running.append(process)
        return process

    def wait_for_end(self, process: Child) -> int:
        """Wait until a command has ended by itself; its exit code."""
        self.running.remove(process)
        return process.process.wait(PATIENCE)

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

    def freeze_while_scoring(self, worker: Child) -> list[int]:
        """Stop it with SIGSTOP between its claim and its store; the ids of what it holds.

        Start it with `TAKING_TIME`, so that there is a second chance where it was just writing.
        """
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.wait_for_claim()
            worker.signal_group(signal.SIGSTOP)
            os.waitid(os.P_PID, worker.process.pid, os.WSTOPPED)  # until all threads do
            held = _held_outside_transactions()
            if held:
                return held
            worker.signal_group(signal.SIGCONT)  # it was writing just then, and stopped nobody may write
            time.sleep(0.05)
        raise AssertionError(f"It was writing whenever it was stopped, for {PATIENCE} s.")

    def let_leases_run_out(self) -> None:
        """What dead and frozen workers hold may be taken over now, by the database's clock."""
        held = Screening.objects.filter(lease_token__isnull=False)
        held.update(lease_until=Now() - timedelta(seconds=1))

    def thaw(self, worker: Child) -> None:
        """Let it go on as if nothing had been."""
        worker.signal_group(signal.SIGCONT)

    def children_of(self, worker: Child) -> list[psutil.Process]:
        """The processes of its pool."""
        return psutil.Process(worker.process.pid).children()

    def wait_for(self, happens: Callable[[], Any], what: str, *, pause: float = 0.05) -> Any:
        """Look until it has happened; what was found."""
        deadline = time.monotonic() + PATIENCE
        while not (found := happens()):
            for worker in list(self.running):
                self._look_after(worker)
            if time.monotonic() > deadline:
                logs = "\n".join(worker.last_lines(40) for worker in self.running)
                raise AssertionError(f"Waited {PATIENCE} s for: {what}.\n{logs}")
            time.sleep(pause)
        return found

    def wait_for_claim(self, *, other_than: set[Any] = frozenset()) -> set[Any]:  # type: ignore[assignment]
        """Wait until a worker holds a batch; the tokens of its leases. other_than: those of the dead."""

        def claimed() -> set[Any]:
            rows = Screening.objects.filter(lease_token__isnull=False)
            return set(rows.values_list("lease_token", flat=True)) - other_than

        tokens: set[Any] = self.wait_for(claimed, "a claim", pause=0.003)
        return tokens

    def wait_until_screened(self, count: int) -> None:
        """Wait until that many current texts have their verdict, and nothing is pending."""
        done = Screening.objects.filter(is_current=True, status="done")
        self.wait_for(lambda: done.count() >= count and not Screening.objects.pending().exists(), "screening")

    def wait_for_line(self, line: str, *, times: int = 1) -> None:
        """Wait until one of them has logged it so often."""
        self.wait_for(lambda: self.log().count(line) >= times, f"{line!r} in the log")

    def logs(self) -> list[Path]:
        """The files that they log into, also of those that have ended."""
        return sorted(self._directory.glob("*.log"))

    def log(self) -> str:
        """What all of them have logged so far."""
        return "\n".join(path.read_text(errors="replace") for path in self.logs())

    def told(self) -> Counter[tuple[str, str]]:
        """{(screening, process): how often the site's receiver was told of a verdict}."""
        lines = (line.partition("Told of screening ")[2] for line in self.log().splitlines())
        return Counter((words[0], words[3].rstrip(".")) for words in map(str.split, lines) if words)

    def _look_after(self, worker: Child) -> None:
        known = self._supervised.get(worker.name)
        if known is None:
            worker.check()
        elif worker.process.poll() is not None:
            self.deaths += 1
            self.running.remove(worker)
            self.start(**known, is_supervised=True)


def _held_outside_transactions() -> list[int]:
    """What is leased, if nobody else is in the middle of a transaction; nothing otherwise."""
    if _is_anyone_writing():
        return []
    held = Screening.objects.filter(lease_token__isnull=False, status="pending").order_by("pk")
    return list(held.values_list("pk", flat=True))


def _is_anyone_writing() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            return bool(cursor.fetchone()[0])
        cursor.execute("PRAGMA busy_timeout")
        (patience,) = cursor.fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            with transaction.atomic():  # IMMEDIATE: it asks for the lock of writers
                return False
        except DatabaseError:
            return True
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience}")
