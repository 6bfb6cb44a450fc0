"""`manage.py shadow`: has a candidate score live comments beside the active version, without effect."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.isolation import read_committed
from moderation.management.arguments import share
from moderation.management.exit_codes import CANNOT
from moderation.management.system_user import system_user
from moderation.models import ModelVersion, ShadowTrial
from moderation.shadow import comparing, trials
from moderation.shadow.comparing import Comparison
from moderation.versions.artifacts import ModelUnavailable


class Command(BaseCommand):
    """Starts, shows and ends shadow trials; workers take one up within seconds, without a restart."""

    help = "Have a candidate score live comments beside the active version, without effect on them."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, text in (
            ("start", "have workers score with a candidate, too"),
            ("status", "what the newest trial has found out"),
            ("stop", "end the running trial; nothing is decided of the candidate"),
            ("promote", "activate the candidate of the newest trial, and end it"),
            ("drop", "decide against the candidate of the newest trial, and end it"),
        ):
            command = commands.add_parser(name, help=text)
            command.add_argument("--json", action="store_true", help="print JSON and nothing else")
            if name == "start":
                command.add_argument("version", metavar="NAME@VERSION")
                text = "share of each worker's time (default: %(default)s)"
                command.add_argument("--budget", type=share, default=trials.BUDGET, help=text)
                text = (
                    "with which a comment that the candidate alone flags comes into the queue, from 0 to 1 "
                    "(default: %(default)s)"
                )
                command.add_argument("--draw-rate", type=float, default=trials.DRAW_RATE, help=text)

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        try:
            trial = self._do(given)
        except (trials.TrialRefused, ModelUnavailable) as error:
            raise CommandError(str(error), returncode=CANNOT) from error
        comparison = comparing.compare(trial)
        if given["json"]:
            self.stdout.write(json.dumps(_as_json(trial, comparison), indent=2))
            return
        self.stdout.write(
            f"{trial.candidate} beside {trial.beside}: {trial.status}"
            + (f" ({trial.error_code})" if trial.error_code else "")
        )
        for line in _lines(trial, comparison):
            self.stdout.write(line)

    def _do(self, given: dict[str, Any]) -> ShadowTrial:
        who: dict[str, Any] = {"username": system_user()}
        if given["command"] == "start":
            shares = {"budget": given["budget"], "draw_rate": given["draw_rate"]}
            return trials.start(_named(given["version"]), **shares, **who)
        if given["command"] == "stop":
            running = trials.running()
            if running is None:
                raise trials.TrialRefused("No shadow trial is running.")
            return trials.stop(running, **who)
        newest = trials.with_versions().order_by("-id").first()
        if newest is None:
            raise trials.TrialRefused("There has been no shadow trial.")
        if given["command"] == "promote":
            return trials.promote(newest, **who)
        return trials.drop(newest, **who) if given["command"] == "drop" else newest


def _named(given: str) -> ModelVersion:
    name, at, version = given.rpartition("@")
    matching = ModelVersion.objects.filter(version=version, **({"name": name} if at else {}))
    if len(matching) == 1:
        return matching[0]
    raise trials.TrialRefused(f"There is no one version {given}; `model_versions list` shows all.")


def _lines(trial: ShadowTrial, comparison: Comparison) -> list[str]:
    counts = comparison.counts
    lines = [
        f"Scored {counts.scored} comment(s) in {trial.seconds:.1f} s of at most "
        f"{trial.budget:.0%} of the workers' time.",
    ]
    if counts.scored:
        lines.append(
            f"Flagged by both {counts.flagged['both']}, by the active version alone "
            f"{counts.flagged['active']}, by the candidate alone {counts.flagged['candidate']} "
            f"({counts.drawn} of these drawn into the queue)."
        )
    for name, judged in (("active version", comparison.of_active), ("candidate", comparison.of_candidate)):
        if judged.reviewed:
            lines.append(
                f"Of {judged.reviewed} reviewed that the {name} alone flags, it is right about "
                f"{judged.right} ({judged.share.low:.0%} to {judged.share.high:.0%})."
            )
    lines.append(f"Verdict: {comparison.verdict.label}.")
    return lines


def _as_json(trial: ShadowTrial, comparison: Comparison) -> dict[str, Any]:
    return {
        "trial": trial.pk,
        "candidate": str(trial.candidate),
        "beside": str(trial.beside),
        "status": trial.status,
        "budget": trial.budget,
        "draw_rate": trial.draw_rate,
        "seconds": round(trial.seconds, 3),
        "error_code": trial.error_code or None,
        "started": trial.created.isoformat(),
        "finished": trial.finished.isoformat() if trial.finished else None,
        **comparison.as_dict(),
    }
