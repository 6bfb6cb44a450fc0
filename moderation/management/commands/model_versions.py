"""`manage.py model_versions`: list the versions, activate one, go back to the one before."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation import model_store
from moderation.actors import system_user
from moderation.models import ModelVersion


class Command(BaseCommand):
    """Workers take an activated version up between batches, without a restart."""

    help = "List model versions, activate one, or go back to the one that was active before."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, text in (
            ("list", "all registered versions, the newest first"),
            ("activate", "make a version the one that scores"),
            ("rollback", "go back to the version that was active before"),
        ):
            command = commands.add_parser(name, help=text)
            command.add_argument("--json", action="store_true", help="print JSON and nothing else")
            if name == "activate":
                command.add_argument("version", metavar="NAME@VERSION")

    def handle(self, *args: Any, **given: Any) -> None:
        try:
            if given["command"] == "activate":
                rows = [model_store.activate(_named(given["version"]), username=system_user())]
            elif given["command"] == "rollback":
                rows = [model_store.rollback(username=system_user())]
            else:
                model_store.active_version()  # registers the packaged default on a fresh install
                rows = list(model_store.versions())
        except (model_store.ModelUnavailable, model_store.NothingToGoBackTo) as error:
            raise CommandError(str(error)) from error
        if given["json"]:
            described = [_as_json(row) for row in rows]
            self.stdout.write(json.dumps(described if given["command"] == "list" else described[0], indent=2))
        elif given["command"] == "list":
            for row in rows:
                origin = f"from {row.parent}" if row.parent else "packaged" if not row.location else ""
                self.stdout.write(
                    f"{'*' if row.is_active else ' '} {row!s:40} {row.created:%Y-%m-%d %H:%M}  {origin}"
                )
        else:
            self.stdout.write(f"{rows[0]} is active now.")


def _named(given: str) -> ModelVersion:
    name, at, version = given.rpartition("@")
    found = ModelVersion.objects.filter(version=version, **({"name": name} if at else {}))
    if len(found) == 1:
        return found[0]
    known = ", ".join(str(row) for row in model_store.versions()) or "none"
    raise CommandError(f"There is no one version {given}; registered: {known}.")


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
