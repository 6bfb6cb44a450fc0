"""`manage.py rescreen`: what another model version makes of what is screened already."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from moderation import model_store
from moderation.models import ModelVersion
from moderation.screening.rescreen import act_on, rescreen, to_rescreen
from moderation.screening.score import ModelNotReady


class Command(BaseCommand):
    """Score again, count, and change something only with `--act`."""

    help = (
        "Score what is screened already with the active model version, and print how verdicts would change. "
        "With --act they change, and comments are hidden and shown; what a person has reviewed never does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", metavar="NAME@VERSION", help="instead of the active version")
        parser.add_argument("--act", action="store_true", help="let the verdicts rest on the new scores")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = self._version(options["model"])
            keys = to_rescreen(version)
            self.stdout.write(f"{len(keys)} screening(s) to score with {version}.")
            done = rescreen(keys, version)
        except (model_store.ModelUnavailable, ModelNotReady) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Scored {done.scored}, errors {done.failures}, left alone as reviewed {done.reviewed}."
        )
        self._print(done.changes)
        if options["act"]:
            self.stdout.write("Acting:")
            self._print(act_on(version))
        else:
            self.stdout.write("Nothing was changed; --act does that.")

    def _version(self, wanted: str | None) -> ModelVersion:
        if not wanted:
            return model_store.active_version()
        name, _, number = wanted.rpartition("@")
        version = ModelVersion.objects.filter(name=name, version=number).first()
        if version is None:
            raise CommandError(f"There is no model version {wanted}; `model_versions` lists them.")
        return version

    def _print(self, changes: Counter[tuple[str, str]]) -> None:
        for (before, after), count in sorted(changes.items()):
            self.stdout.write(f"  {before} -> {after}: {count}")
