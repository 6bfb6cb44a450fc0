"""`manage.py blank_texts`: what the sweep does for retention, by hand and at once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from moderation import retention
from moderation.discovery.search import blank_gone
from moderation.isolation import read_committed
from moderation.management.interruptions import database_failed
from moderation.versions import training_folders


class Command(BaseCommand):
    """Blanks copied texts, removes what killed trainings left here, and changes nothing else."""

    help = (
        "Blank the copied texts whose retention has ended, in batches. Texts that wait for the model or for "
        "a person stay. Scores, verdicts and reviews stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count what is due and change nothing")
        parser.add_argument(
            "--gone",
            action="store_true",
            help="also look now for objects deleted behind the ORM; otherwise the nightly comparison does",
        )

    @read_committed()
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["dry_run"]:
                self._count()
                return
            if options["gone"]:
                self.stdout.write(f"blanked as their object is gone: {blank_gone()} object(s)")
            self.stdout.write(f"blanked as their retention has ended: {retention.blank_due()} text(s)")
            if removed := training_folders.remove_left(0):
                self.stdout.write(f"removed what killed trainings left on this machine: {removed} folder(s)")
        except DatabaseError as error:
            raise database_failed(error) from None

    def _count(self) -> None:
        counts = retention.due()
        for name, count in sorted(counts.items()):
            self.stdout.write(f"{name}: {count} text(s) are due")
        if not counts:
            self.stdout.write("No text is due.")
