"""`manage.py perspective_scale`: fits Perspective's scale to scores that the site has logged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.api.perspective import fitting
from moderation.audit import Actor
from moderation.isolation import read_committed
from moderation.management.exit_codes import CANNOT
from moderation.management.progress import Progress
from moderation.management.system_user import system_user
from moderation.models import ModelVersion
from moderation.screening.scorer import Failure, ModelNotReady, load_scorer, score_each
from moderation.versions import store

BATCH = 64


class Command(BaseCommand):
    """Fits the active version's scale, shows what that changes, and puts it in force."""

    help = (
        "Fit the scale of the Perspective endpoints to scores that Perspective gave comments of this site: a "
        "CSV file with the texts and a column for each attribute. Shows at .5, .7, .8 and .9 how many "
        "Perspective flagged and how many the endpoints flag, before and after, and puts the scale in force."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        either = parser.add_mutually_exclusive_group(required=True)
        either.add_argument(
            "--from", dest="logged", type=Path, metavar="LOGGED.csv", help="the logged scores"
        )
        either.add_argument("--reset", action="store_true", help="put the model version's own scale in force")
        parser.add_argument("--dry-run", action="store_true", help="show the figures, and change nothing")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        actor = Actor(None, system_user())
        try:
            version = store.active_version()
            if given["reset"]:
                fitting.reset(version, actor)
                self.stdout.write(f"The scale of {version} itself is in force.")
                return
            logged = fitting.read_logged(given["logged"], version.labels)
            scores = self._scores(version, logged.texts, is_silent=given["json"])
            scale, flags = fitting.fit(logged, scores, version.labels, fitting.scale_of(version))
        except (store.ModelUnavailable, ModelNotReady, fitting.CannotFit) as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CommandError(f"{given['logged']}: {reason}", returncode=CANNOT) from error
        if not given["dry_run"]:
            fitting.store(version, scale, len(logged.texts), actor)
        if given["json"]:
            self.stdout.write(
                json.dumps({"flags": [asdict(each) for each in flags], "maps": scale.to_json()})
            )
            return
        self._show(flags)
        if given["dry_run"]:
            self.stdout.write("Nothing was changed.")
        else:
            self.stdout.write(f"This scale is in force for {version} now; --reset takes it back.")

    def _scores(
        self, version: ModelVersion, texts: Sequence[str], *, is_silent: bool
    ) -> list[Mapping[str, float]]:
        scorer = load_scorer(version)
        scores: list[Mapping[str, float]] = []
        progress = Progress(self.stderr.write, on_terminal=self.stderr.isatty(), is_silent=is_silent)
        with progress:
            progress.begin("Scoring", 0, len(texts))
            for start in range(0, len(texts), BATCH):
                results = score_each(scorer, texts[start : start + BATCH])
                for result in results:
                    if isinstance(result, Failure):
                        raise fitting.CannotFit(f"Comment {len(scores) + 1} can't be scored ({result.code}).")
                    scores.append(result)
                progress.at(len(scores), len(texts))
        return scores

    def _show(self, flags: Sequence[fitting.Flags]) -> None:
        columns = ("attribute", "at", "comments", "theirs", "before", "of theirs", "after", "of theirs")
        rows = [
            (
                each.attribute,
                f"{each.threshold:.1f}",
                *map(str, (each.comments, each.theirs, each.before, each.both_before)),
                *map(str, (each.after, each.both_after)),
            )
            for each in flags
        ]
        for row in (columns, *rows):
            self.stdout.write(f"{row[0]:16}" + "".join(f"{cell:>10}" for cell in row[1:]))
