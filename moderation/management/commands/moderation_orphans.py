"""`manage.py moderation_orphans`: what an older registration hid, and what to do about it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from moderation import orphans
from moderation.isolation import read_committed
from moderation.management.interruptions import database_failed
from moderation.management.system_user import system_user
from moderation.orphans import Fate, Group

WHAT_FOLLOWS = {
    Fate.MOVED: "to be hidden as the model is registered today, and no longer as before",
    Fate.GIVEN_BACK: "to be shown, as nothing is registered to hide them; those that a person decided to "
    "hide stay hidden",
    Fate.FORGOTTEN: "nothing is left to be undone: the model or the column is no more",
    Fate.DROPPED: "to be hidden, never were, and nothing is registered that could: to be left public",
    Fate.STUCK: "to be shown by hand: what hid them is not known or can't be called",
}


class Command(BaseCommand):
    """Counts orphans, and mends them only with `--act`."""

    help = (
        "Count the objects that were hidden in a way in which their models are not registered today. Run it "
        "with the settings of the workers, after they were restarted. Nothing changes without --act."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--act", action="store_true", help="do what the counts say")
        parser.add_argument(
            "--forget",
            action="store_true",
            help="with --act: what has to be shown by hand was shown, or is to stay hidden; count it no more",
        )

    @read_committed()
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            groups = orphans.count()
            for group in groups:
                self.stdout.write(self._line(group))
            if not groups:
                self.stdout.write("All that is hidden was hidden as its model is registered.")
            if options["act"]:
                self._act(groups, forget=options["forget"])
        except DatabaseError as error:
            raise database_failed(error) from None

    def _line(self, group: Group) -> str:
        return f"{group.label}, hidden by {group.means}: {group.count}, {WHAT_FOLLOWS[group.fate]}"

    def _act(self, groups: list[Group], *, forget: bool) -> None:
        done = sum(orphans.mend(group, username=system_user(), forget=forget) for group in groups)
        left = sum(group.count for group in orphans.count())
        self.stdout.write(f"mended: {done}; left: {left}")
        if left:
            raise CommandError("Some are left; the log names each that failed. Running it again is safe.")
