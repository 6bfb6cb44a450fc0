"""`manage.py screen_pending`: what a worker's sweep does, by hand or from cron."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from moderation import row_errors
from moderation.conf import conf
from moderation.coordination import heartbeat
from moderation.db import sqlite
from moderation.discovery.search import include_existing
from moderation.isolation import read_committed
from moderation.management.interruptions import ctrl_c_on_sigterm, database_failed
from moderation.models import Screening
from moderation.monitoring import worker_port
from moderation.screening.claim import is_backlog
from moderation.visibility import action_thread
from moderation.webhooks import delivery_thread
from moderation.webhooks.delivery import deliver_due
from moderation.worker.drain import drain
from moderation.worker.process import worker_process
from moderation.worker.sweep import Swept, note_failure, sweep, warn_of_database

WATCH_SECONDS = 1.0
"""How often `--loop` looks whether something waits: one query, on the index by which workers claim."""

DELIVER_SECONDS = 30.0
"""How long a single sweep goes on beginning to deliver to webhooks; the next one goes on."""


class Command(BaseCommand):
    """Screens what is pending, then exits."""

    help = "Find what was not screened, screen everything that is pending, and print counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one batch at most")
        parser.add_argument("--loop", action="store_true", help="go on until interrupted, like a worker")
        parser.add_argument(
            "--existing",
            action="store_true",
            help="also screen what was there before moderation was; `rescreen --existing` does it slowly",
        )

    @read_committed()
    def handle(self, *args: Any, **options: Any) -> None:
        if options["existing"]:
            include_existing()
        batches = 1 if options["once"] else None
        with heartbeat.of_a_command(), ctrl_c_on_sigterm():
            try:
                if options["loop"]:
                    self._loop(batches)
                self._once(batches)
            except KeyboardInterrupt:
                worker_process.release_all()  # a batch cut off would count as a death

    def _once(self, batches: int | None) -> None:
        try:
            done = self._sweep(batches)
            deliver_due(seconds=DELIVER_SECONDS)
        except DatabaseError as error:
            raise database_failed(error, sqlite.advice(error)) from None
        except BaseException as error:
            if row_errors.ends_the_process(error):
                raise
            raise CommandError(f"The sweep failed ({type(error).__name__}).") from None
        if not done.drained.is_ready:
            raise CommandError("The model is not ready; the log says why. Comments stay pending.")

    def _loop(self, batches: int | None) -> NoReturn:
        """Sweep until interrupted; survives what a worker's sweeper survives."""
        warn_of_database()
        worker_port.open_port()
        with action_thread.running(), delivery_thread.running():
            self._go_on(batches)

    def _go_on(self, batches: int | None) -> NoReturn:
        while True:
            try:
                done = self._sweep(batches, conf.SWEEP_SECONDS)
                if batches is not None or (done.drained.can_wait and not done.has_bulk_left):
                    self._watch(batches, conf.SWEEP_SECONDS)
            except BaseException as error:
                if row_errors.ends_the_process(error):
                    raise
                note_failure(error)
                close_old_connections()
                time.sleep(conf.SWEEP_SECONDS)

    def _watch(self, batches: int | None, seconds: float) -> None:
        """Look each second for what is saved in the next `seconds`: no wake-up reaches this process."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            close_old_connections()
            time.sleep(min(WATCH_SECONDS, left))
            if not is_backlog(0):
                continue
            drained = drain(batches=batches, seconds=seconds)
            if not drained.is_ready:  # its log says why; the model is tried again with each sweep
                time.sleep(max(0.0, end - time.monotonic()))
            elif drained.scored or drained.failures:
                self._say(Swept(drained=drained))

    def _sweep(self, batches: int | None, seconds: float | None = None) -> Swept:
        done = sweep(batches=batches, seconds=seconds)
        self._say(done)
        return done

    def _say(self, done: Swept) -> None:
        verdicts = done.drained.verdicts
        counts = {
            "screened": done.drained.scored,
            **{verdict: verdicts.get(verdict, 0) for verdict in Screening.Verdict.values},
            "errors": done.drained.failures,
            "found": done.found.new,
            "edited": done.found.edited,
            "gone": done.found.gone,
            "shown or hidden": done.acted,
            "hidden again": done.found.shown,
            "blanked": done.blanked,
            "still pending": Screening.objects.pending().count(),
        }
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
