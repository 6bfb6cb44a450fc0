"""`manage.py export_labels`: writes decisions as a folder that the package `datasets` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from moderation.audit import Actor
from moderation.isolation import read_committed
from moderation.management.arguments import moment, registered
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import database_failed, ended_by_sigterm
from moderation.management.system_user import system_user
from moderation.retraining.label_files.exporting import CannotExport, Selection, export_labels
from moderation.versions import store


class Command(BaseCommand):
    """Writes the texts that people judged; the audit trail says who took how many along."""

    help = (
        "Write the decisions that stand as JSON Lines with a card: texts, labels, how each came to be "
        "judged, and with which probability. Nothing is written over."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, metavar="OUT_DIR", help="a folder that is not there yet")
        parser.add_argument("--since", type=moment, metavar="DATE", help="only decisions from then on")
        parser.add_argument(
            "--model", type=registered, metavar="APP.MODEL", help="only texts of this registered model"
        )
        parser.add_argument(
            "--blind-only", action="store_true", help="only decisions before which no scores were shown"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        selection = Selection(given["since"], given["model"], given["blind_only"])
        out: Path = given["directory"]
        try:
            version = store.active_version()
            with ended_by_sigterm():
                counts = export_labels(out, selection, version, Actor(None, system_user()))
        except (CannotExport, store.ModelUnavailable) as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        except OSError as error:
            raise CommandError(f"{out}: {error.strerror or type(error).__name__}") from error
        except DatabaseError as error:
            raise database_failed(error, " Nothing was written.") from None
        if given["json"]:
            told = {"directory": str(out), "rows": counts.rows, "labels": counts.by_label}
            self.stdout.write(json.dumps({**told, "drawn": counts.drawn, "blind": counts.blind}))
            return
        self.stdout.write(
            f"{counts.rows:,} decisions are in {out}; read README.md there before you share them."
        )
