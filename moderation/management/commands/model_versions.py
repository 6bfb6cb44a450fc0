"""`manage.py model_versions`: list, publish, activate, go back to the version before, remove files."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.isolation import read_committed
from moderation.management.arguments import count
from moderation.management.system_user import system_user
from moderation.models import ModelVersion
from moderation.screening.model import try_out
from moderation.versions import pruning, store


class Command(BaseCommand):
    """Manages model versions; workers take an activated one up between batches, without a restart."""

    help = "List model versions, publish one, activate one, go back, or remove files of candidates."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, text in (
            ("list", "all registered versions, the newest first"),
            ("publish", "register a version directory made by `python -m toxicity_ml`"),
            ("activate", "make a version the one that scores"),
            ("rollback", "go back to the version that was active before"),
        ):
            command = commands.add_parser(name, help=text)
            command.add_argument("--json", action="store_true", help="print JSON and nothing else")
            if name == "activate":
                command.add_argument("version", metavar="NAME@VERSION")
            elif name == "publish":
                command.add_argument("directory", metavar="DIR", type=Path)
                command.add_argument(
                    "--activate", action="store_true", help="make it the one that scores, too"
                )
        command = commands.add_parser("prune", help="remove files of candidates that were never active")
        command.add_argument("--json", action="store_true", help="print JSON and nothing else")
        text = "keep the files of so many candidates, the newest (default: %(default)s)"
        command.add_argument("--keep", type=count, default=pruning.KEPT, help=text)
        command.add_argument("--dry-run", action="store_true", help="say what would go, and remove nothing")

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        if given["command"] == "prune":
            self._prune(given)
            return
        if given["command"] == "publish":
            self._publish(given["directory"], is_activated=given["activate"], as_json=given["json"])
            return
        try:
            if given["command"] == "activate":
                rows = [store.activate(_named(given["version"]), username=system_user())]
            elif given["command"] == "rollback":
                rows = [store.rollback(username=system_user())]
            else:
                store.active_version()  # registers the packaged default on a fresh install
                rows = list(store.versions())
        except (store.ModelUnavailable, store.NothingToGoBackTo) as error:
            raise CommandError(str(error)) from error
        if given["json"]:
            described = [_as_json(row) for row in rows]
            self.stdout.write(json.dumps(described if given["command"] == "list" else described[0], indent=2))
        elif given["command"] == "list":
            pruned = set(store.pruned_versions())
            for row in rows:
                origin = f"from {row.parent}" if row.parent else "packaged" if not row.location else ""
                origin += " (files removed)" if row in pruned else ""
                self.stdout.write(
                    f"{'*' if row.is_active else ' '} {row!s:40} {row.created:%Y-%m-%d %H:%M}  {origin}"
                )
        else:
            self.stdout.write(f"{rows[0]} is active now.")

    def _publish(self, directory: Path, *, is_activated: bool, as_json: bool) -> None:
        try:
            golden = try_out(directory)
            with suppress(store.ModelUnavailable):
                store.active_version()  # registers the packaged default on a fresh install, to go back to
            row = store.publish(directory, username=system_user())
        except (store.ModelUnavailable, store.AlreadyPublished, store.PublishFailed) as error:
            raise CommandError(str(error)) from error
        if is_activated:
            try:
                row = store.activate(row, username=system_user())
            except store.ModelUnavailable as error:
                raise CommandError(f"{row} is registered, but was not activated: {error}") from error
        if as_json:
            self.stdout.write(json.dumps(_as_json(row), indent=2))
            return
        self.stdout.write(
            f"{row} is registered; files are whole, {golden} golden text(s) score as they should."
        )
        hint = f"{row} is active now." if is_activated else f"`model_versions activate {row}` makes it score."
        self.stdout.write(hint)

    def _prune(self, given: dict[str, Any]) -> None:
        try:
            gone = pruning.prune(keep=given["keep"], username=system_user(), dry_run=given["dry_run"])
        except store.ModelUnavailable as error:
            raise CommandError(str(error)) from error
        if given["json"]:
            names = {"versions": list(map(str, gone.versions)), "cached": [path.name for path in gone.cached]}
            self.stdout.write(json.dumps(names, indent=2))
            return
        verb = "would go" if given["dry_run"] else "removed"
        for version in gone.versions:
            self.stdout.write(f"{version}: files {verb}.")
        for path in gone.cached:
            self.stdout.write(f"{path.name}, cached: {verb}.")
        if not gone.versions and not gone.cached:
            self.stdout.write("Nothing to remove.")


def _named(given: str) -> ModelVersion:
    name, at, version = given.rpartition("@")
    matching = ModelVersion.objects.filter(version=version, **({"name": name} if at else {}))
    if len(matching) == 1:
        return matching[0]
    registered = ", ".join(str(row) for row in store.versions()) or "none"
    raise CommandError(f"There is no one version {given}; registered: {registered}.")


def _as_json(version: ModelVersion) -> dict[str, Any]:
    return {
        "version": str(version),
        "is_active": version.is_active,
        "activated": version.activated.isoformat() if version.activated else None,
        "created": version.created.isoformat(),
        "parent": str(version.parent) if version.parent else None,
        "location": version.location or "packaged",
        "manifest_sha256": version.manifest_sha256,
        "metrics": version.metrics,
    }
