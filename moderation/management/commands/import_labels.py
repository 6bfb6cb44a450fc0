"""`manage.py import_labels`: takes what another system decided, to learn from."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from moderation.audit import Actor
from moderation.isolation import read_committed
from moderation.management.arguments import share
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import database_failed, ended_by_sigterm
from moderation.management.progress import Progress
from moderation.management.system_user import system_user
from moderation.retraining.label_files import formats
from moderation.retraining.label_files.formats import Reading, UnusableFile
from moderation.retraining.label_files.importing import TOLD, Busy, Summary, import_labels
from moderation.versions import store


class Command(BaseCommand):
    """Stores labelled texts; nothing of the site's own comments, figures and queue changes."""

    help = (
        "Store labelled texts of another system as reviews of the kind import: retrain learns them, with the "
        "weight IMPORTED_WEIGHT. They are not scored, stand in no queue and count in no figure. A file that "
        "was imported before changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--format", choices=formats.FORMATS, required=True, help="whose columns it has")
        parser.add_argument(
            "--map", action="append", default=[], metavar="COLUMN=LABEL", help="a column of another name"
        )
        parser.add_argument(
            "--sure",
            type=share,
            default=formats.SURE,
            metavar="P",
            help="perspective: a score from P on is true, up to 1 - P false, between not known (%(default)s)",
        )
        parser.add_argument(
            "--rejected-as", default="", metavar="LABEL", help="coral: the label of a rejected comment"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        if not 0.5 < given["sure"] <= 1:
            raise CommandError("--sure is over 0.5 and at most 1.", returncode=CANNOT)
        progress = Progress(self.stderr.write, on_terminal=self.stderr.isatty(), is_silent=given["json"])
        stored = 0

        def told(rows: int) -> None:
            nonlocal stored
            stored = rows
            progress.at(rows, 0)

        try:
            version = store.active_version()
            reading = Reading(
                given["format"], version.labels, _names(given["map"]), given["sure"], given["rejected_as"]
            )
            with ended_by_sigterm(), progress:
                progress.begin("Importing", 0, 0)
                summary = import_labels(
                    given["file"],
                    reading,
                    version,
                    Actor(None, system_user()),
                    told,
                )
        except (UnusableFile, Busy, store.ModelUnavailable) as error:
            raise _ended(str(error), stored) from error
        except OSError as error:
            raise _ended(f"{given['file']}: {error.strerror or type(error).__name__}", stored) from error
        except DatabaseError as error:
            raise database_failed(error, " What was stored until then stays; start it again.") from None
        self._tell(summary, given)

    def _tell(self, summary: Summary, given: dict[str, Any]) -> None:
        if given["json"]:
            self.stdout.write(json.dumps({**asdict(summary), "rows": summary.rows}))
            return
        self.stdout.write(
            f"{summary.rows:,} rows: {summary.imported:,} imported, {summary.already:,} known already, "
            f"{summary.undecided:,} that say nothing of a label, {summary.bad:,} that can't be used."
        )
        for row in summary.first_bad:
            self.stderr.write(f"Line {row.line} {row.reason}.")
        if summary.bad > TOLD:
            self.stderr.write(f"And {summary.bad - TOLD:,} more.")
        if summary.undecided and given["format"] == formats.CORAL and not given["rejected_as"]:
            self.stdout.write("A rejection says nothing of a label: --rejected-as LABEL makes it one.")


def _ended(reason: str, stored: int) -> CommandError:
    """Return what ends an import. stored: the rows that were read and stored before."""
    if not stored:
        return CommandError(reason, returncode=CANNOT)
    return CommandError(
        f"{reason} What the {stored:,} rows before say is stored; a file again brings nothing twice."
    )


def _names(pairs: list[str]) -> dict[str, str]:
    names = {}
    for pair in pairs:
        column, is_there, label = pair.rpartition("=")
        if not (column and is_there and label):
            raise UnusableFile(f"--map {pair} is not COLUMN=LABEL.")
        names[column] = label
    return names
