"""`manage.py model_versions`: list, show, compare, publish, import, activate, go back, export, prune."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from moderation.isolation import read_committed
from moderation.management import checkpoint_import, version_reports
from moderation.management.arguments import count
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import database_failed, ended_by_sigterm
from moderation.management.system_user import system_user
from moderation.models import ModelVersion
from moderation.monitoring import version_comparison
from moderation.screening.model import try_out
from moderation.versions import exporting, pruning, store

REFUSALS = (
    store.ActivatedMeanwhile,
    store.ModelUnavailable,
    store.NothingToGoBackTo,
    store.AlreadyPublished,
    store.PublishFailed,
    exporting.ExportFailed,
)


class Command(BaseCommand):
    """Manages model versions; workers take an activated one up between batches, without a restart."""

    help = (
        "List, show, compare model versions, publish, import, activate, go back, export, remove files. Exit "
        "code 0: done; 1: an error; 2: it cannot, and nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        made = {
            name: commands.add_parser(name, help=text)
            for name, text in (
                ("list", "all registered versions, the newest first"),
                ("show", "one version: where it came from, its figures, who did what with it and why"),
                ("compare", "two versions: thresholds, figures, and what both said of the same comments"),
                ("publish", "register a version directory made by `python -m toxicity_ml`"),
                ("import", "make a version of a checkpoint of transformers, and register it"),
                ("activate", "make a version the one that scores"),
                ("rollback", "go back to the version that was active before"),
                ("export", "write a version's files, checked, into a new directory or a new .tar"),
                ("prune", "remove files of candidates that were never active"),
            )
        }
        for name, command in made.items():
            if name != "export":
                command.add_argument("--json", action="store_true", help="print JSON and nothing else")
            if name in ("publish", "import", "activate", "rollback", "prune"):
                command.add_argument("--note", default="", metavar="TEXT", help="why, for the audit trail")
        for name in ("show", "activate", "export"):
            made[name].add_argument("version", metavar="NAME@VERSION")
        made["compare"].add_argument("old", metavar="OLD")
        made["compare"].add_argument("new", metavar="NEW")
        made["export"].add_argument("target", metavar="DIR|FILE.tar", type=Path)
        made["publish"].add_argument("directory", metavar="DIR", type=Path)
        text = "make it the one that scores, too"
        made["publish"].add_argument("--activate", action="store_true", help=text)
        checkpoint_import.add_arguments(made["import"])
        text = "keep the files of so many candidates, the newest (default: %(default)s)"
        made["prune"].add_argument("--keep", type=count, default=pruning.KEPT, help=text)
        text = "say what would go, and remove nothing"
        made["prune"].add_argument("--dry-run", action="store_true", help=text)

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        try:
            with ended_by_sigterm():
                getattr(self, f"_{given['command']}")(given)
        except REFUSALS as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        except DatabaseError as error:
            raise database_failed(error) from None

    def _list(self, given: dict[str, Any]) -> None:
        store.active_version()  # registers the packaged default on a fresh install
        rows = list(store.versions())
        if given["json"]:
            self._print_json([version_reports.as_json(row) for row in rows])
            return
        pruned = set(store.pruned_versions())
        for row in rows:
            origin = row.came_from.value + (f" from {row.parent}" if row.parent else "")
            origin += " (files removed)" if row in pruned else ""
            self.stdout.write(
                f"{'*' if row.is_active else ' '} {row!s:40} {row.created:%Y-%m-%d %H:%M}  {origin}"
            )

    def _show(self, given: dict[str, Any]) -> None:
        version = _named(given["version"])
        if given["json"]:
            self._print_json(version_reports.whole_as_json(version))
            return
        for line in version_reports.lines_of(version):
            self.stdout.write(line)

    def _compare(self, given: dict[str, Any]) -> None:
        old, new = _named(given["old"]), _named(given["new"])
        if given["json"]:
            self._print_json(version_comparison.as_json(old, new))
            return
        for line in version_reports.lines_of_two(old, new):
            self.stdout.write(line)

    def _activate(self, given: dict[str, Any]) -> None:
        version = _named(given["version"])
        self._tell_active(given, store.activate(version, username=system_user(), note=given["note"]))

    def _rollback(self, given: dict[str, Any]) -> None:
        self._tell_active(given, store.rollback(username=system_user(), note=given["note"]))

    def _tell_active(self, given: dict[str, Any], version: ModelVersion) -> None:
        if given["json"]:
            self._print_json(version_reports.as_json(version))
        else:
            self.stdout.write(f"{version} is active now.")

    def _publish(self, given: dict[str, Any]) -> None:
        golden = try_out(given["directory"])
        with suppress(store.ModelUnavailable):
            store.active_version()  # registers the packaged default on a fresh install, to go back to
        row = store.publish(given["directory"], username=system_user(), note=given["note"])
        if given["activate"]:
            row = _activated_too(row, given["note"])
        if given["json"]:
            self._print_json(version_reports.as_json(row))
            return
        self.stdout.write(
            f"{row} is registered; files are whole, {golden} golden text(s) score as they should."
        )
        is_active = given["activate"]
        hint = f"{row} is active now." if is_active else f"`model_versions activate {row}` makes it score."
        self.stdout.write(hint)

    def _import(self, given: dict[str, Any]) -> None:
        with suppress(store.ModelUnavailable):
            store.active_version()  # registers the packaged default on a fresh install, to go back to
        imported = checkpoint_import.run(given)
        row = imported.version
        if given["activate"]:
            row = _activated_too(row, given["note"])
        if given["json"]:
            self._print_json({**version_reports.as_json(row), "import": imported.told})
            return
        for line in checkpoint_import.as_lines(imported):
            self.stdout.write(line)
        is_active = row.is_active
        hint = f"{row} is active now." if is_active else f"`model_versions activate {row}` makes it score."
        self.stdout.write(hint)

    def _export(self, given: dict[str, Any]) -> None:
        version = _named(given["version"])
        exporting.write(version, given["target"])
        self.stdout.write(f"{version} lies in {given['target']}, every file as published.")

    def _prune(self, given: dict[str, Any]) -> None:
        gone = pruning.prune(
            keep=given["keep"], username=system_user(), note=given["note"], dry_run=given["dry_run"]
        )
        if given["json"]:
            self._print_json(
                {"versions": list(map(str, gone.versions)), "cached": [path.name for path in gone.cached]}
            )
            return
        verb = "would go" if given["dry_run"] else "removed"
        for version in gone.versions:
            self.stdout.write(f"{version}: files {verb}.")
        for path in gone.cached:
            self.stdout.write(f"{path.name}, cached: {verb}.")
        if not gone.versions and not gone.cached:
            self.stdout.write("Nothing to remove.")

    def _print_json(self, told: Any) -> None:
        self.stdout.write(json.dumps(told, indent=2))


def _activated_too(row: ModelVersion, note: str) -> ModelVersion:
    """Activate what was registered just now. Raises CommandError, as an error: registered it is."""
    try:
        return store.activate(row, username=system_user(), note=note)
    except store.ModelUnavailable as error:
        raise CommandError(f"{row} is registered, but was not activated: {error}") from error


def _named(given: str) -> ModelVersion:
    name, at, version = given.rpartition("@")
    matching = ModelVersion.objects.filter(version=version, **({"name": name} if at else {}))
    if len(matching) == 1:
        return matching[0]
    registered = ", ".join(str(row) for row in store.versions()) or "none"
    raise CommandError(f"There is no one version {given}; registered: {registered}.", returncode=CANNOT)
