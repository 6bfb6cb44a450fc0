"""`manage.py screen_pending`: what a worker's sweep does, by hand or from cron."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation.conf import conf
from moderation.models import Screening
from moderation.screening.discovery import include_existing
from moderation.sweep import Swept, sweep


class Command(BaseCommand):
    """Screen what is pending, then exit."""

    help = "Find what was not screened, screen everything that is pending, and print counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one batch at most")
        parser.add_argument("--loop", action="store_true", help="go on until interrupted, like a worker")
        parser.add_argument(
            "--existing", action="store_true", help="also screen what was there before moderation was"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["existing"]:
            include_existing()
        batches = 1 if options["once"] else None
        try:
            done = self._sweep(batches)
            while options["loop"]:
                time.sleep(conf.SWEEP_SECONDS)
                done = self._sweep(batches)
        except KeyboardInterrupt:
            return
        if not done.drained.is_ready:
            raise CommandError("The model is not ready; the log says which file. Comments stay pending.")

    def _sweep(self, batches: int | None) -> Swept:
        done = sweep(batches=batches)
        verdicts = done.drained.verdicts
        counts = {
            "screened": done.drained.scored,
            **{verdict: verdicts.get(verdict, 0) for verdict in Screening.Verdict.values},
            "errors": done.drained.failures,
            "found": done.found.new,
            "edited": done.found.edited,
            "gone": done.found.gone,
            "shown or hidden": done.acted,
            "still pending": Screening.objects.pending().count(),
        }
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
        return done
