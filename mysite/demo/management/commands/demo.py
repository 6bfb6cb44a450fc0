"""`manage.py demo`: Redis, a worker and the site on this machine, with sample comments and their verdicts."""

import fcntl
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse
from rich.console import Console
from rich.live import Live

from mysite.demo.environment import WorkDirectory, add_arguments, free_port
from mysite.demo.parts import start_redis, start_server, start_worker
from mysite.demo.posting import PostingFailed, post_comment
from mysite.demo.processes import ENDING_SIGNALS, ChildFailed, Children
from mysite.demo.samples import SAMPLES
from mysite.demo.verdicts import CommentVerdict, newest_verdicts, summary_of, table_of

HOST = "127.0.0.1"
USERNAME = "admin"
SECONDS_FOR_VERDICTS = 180


class Stopped(Exception):
    """Somebody asked the demo to end: Ctrl-C, SIGTERM, or a closed terminal."""


class Command(BaseCommand):
    help = "Run the site, a worker and Redis on this machine, post sample comments, and show their verdicts."
    requires_system_checks = []  # the server runs them, with the same settings

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: Any, once: bool, port: int, work_dir: str, **options: Any) -> None:
        work = WorkDirectory(Path(work_dir).resolve(), once)
        if settings.DATABASES["default"]["NAME"] != str(work.database):
            raise CommandError("Start the demo as `python manage.py demo`: it brings settings of its own.")
        console = Console() if sys.stdout.isatty() else Console(width=130)
        try:
            with _ending_on_signals(), _only_one_in(work):
                self._run(work, _checked(port), console)
        except Stopped as stopped:
            if once:
                raise CommandError("Ended before the verdicts were all there.") from stopped
            console.print("The demo has ended; nothing of it is running any more.")
        except (ChildFailed, PostingFailed, FileNotFoundError) as error:
            raise CommandError(str(error)) from error

    def _run(self, work: WorkDirectory, port: int, console: Console) -> None:
        password = _set_up(work, port, console)
        with Children() as children:
            try:
                _start(children, work, port)
                site = f"http://{HOST}:{port}"
                queue = f"{site}{reverse('admin:moderation_screening_changelist')}"
                places = f"\n  Site   {site}/\n  Queue  {queue}\n  Login  {USERNAME}   password {password}\n"
                console.print(places, highlight=False, markup=False, soft_wrap=True)
                _post_samples(port, console)
                if work.once:
                    _report_once(children, console, work.logs)
                else:
                    _watch(children, console)
            finally:
                # Stopping takes a few seconds at most, and a second Ctrl-C must not cut it short.
                for number in ENDING_SIGNALS:
                    signal.signal(number, signal.SIG_IGN)


def _set_up(work: WorkDirectory, port: int, console: Console) -> str:
    """Database, static files and the moderator's login; returns the password."""
    console.print("Preparing the database and the static files …")
    if work.once:
        shutil.rmtree(work.run, ignore_errors=True)
    work.logs.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    Site.objects.filter(pk=settings.SITE_ID).update(domain=f"{HOST}:{port}", name="The Market Square")
    password = work.kept_secret("admin-password", 9)
    user, _ = get_user_model().objects.get_or_create(
        username=USERNAME, defaults={"is_staff": True, "is_superuser": True}
    )
    if not user.check_password(password):
        user.set_password(password)
        user.save()
    return password


def _start(children: Children, work: WorkDirectory, port: int) -> None:
    """Start Redis, unless there is one, the worker and the server, and wait until the site answers."""
    if os.environ.get("DEMO_EMBEDDED_REDIS"):
        start_redis(children, os.environ["REDIS_URL"], work.logs)
    start_worker(children, work.logs)
    start_server(children, work.logs, HOST, port)


def _post_samples(port: int, console: Console) -> None:
    """Post those samples that the database does not have from an earlier run."""
    known = {(row.name, row.text) for row in newest_verdicts(1000)}
    missing = [sample for sample in SAMPLES if (sample.name, sample.text) not in known]
    for sample in missing:
        post_comment(HOST, port, sample.article, sample.name, sample.text)
    if missing:
        console.print(f"Posted {len(missing)} sample comments through the form on the site.")


def _report_once(children: Children, console: Console, logs: Path) -> None:
    """Wait for all verdicts, print them, and fail when they are not what they should be."""
    deadline = time.monotonic() + SECONDS_FOR_VERDICTS
    rows = newest_verdicts(len(SAMPLES))
    while not all(row.is_decided for row in rows) and time.monotonic() < deadline:
        children.check()
        time.sleep(0.2)
        rows = newest_verdicts(len(SAMPLES))
    console.print(table_of(rows))
    console.print(summary_of(rows))
    if not all(row.is_decided for row in rows):
        raise CommandError(f"Not all comments were screened in {SECONDS_FOR_VERDICTS} s; see {logs}.")
    if len(rows) < len(SAMPLES) or not all(row.is_as_expected for row in rows):
        raise CommandError("The verdicts are not what they should be.")


def _watch(children: Children, console: Console) -> None:
    """Show the newest verdicts until somebody ends the demo; comments posted meanwhile appear, too."""
    shown: list[CommentVerdict] = []
    is_told = False
    with Live(console=console, auto_refresh=False) as live:
        while True:
            children.check()
            if (rows := newest_verdicts(len(SAMPLES))) != shown:
                shown = rows
                live.update(table_of(rows), refresh=True)
                if not is_told and all(row.is_decided for row in rows):
                    is_told = True
                    live.console.print(summary_of(rows), "Post more on the site; Ctrl-C ends the demo.")
            time.sleep(0.5)


def _checked(port: int) -> int:
    """Return the port to serve at, after a check that it is free."""
    if port == 0:
        return free_port()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). Choose another one: "
                f"`make demo PORT={port + 1}` or `python manage.py demo --port {port + 1}`."
            ) from error
    return port


@contextmanager
def _only_one_in(work: WorkDirectory) -> Iterator[None]:
    """Hold the work directory's lock; the kernel lets go of it however the process ends."""
    with work.lock.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CommandError(
                f"Another demo is running in {work.root}. End it with Ctrl-C first, or give this one "
                "a directory and a port of its own: --work-dir DIR --port N."
            ) from error
        yield


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Turn what would end the process into an exception, so that the children are always stopped."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Stopped

    for number in ENDING_SIGNALS:
        signal.signal(number, end)
    yield
