"""`manage.py retrain`: learn from what people decided, compare, and activate what is better."""

import json
import os
from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.isolation import read_committed
from moderation.management.exit_codes import CANNOT
from moderation.management.interruptions import ended_by_sigterm
from moderation.management.system_user import system_user
from moderation.retraining import contradictions, planning, retrain, wording
from moderation.retraining.gate.verdict import Guard
from moderation.retraining.refusals import Refused
from moderation.retraining.retrain import Options, Retrained
from moderation.retraining.training_process import RetrainingFailed
from moderation.versions import artifacts
from moderation.versions.store import AlreadyPublished


class Command(BaseCommand):
    """Trains a candidate and changes nobody's visibility; workers take it up between batches once active."""

    help = (
        "Train a new model version from reviews, starting from the active one, and compare the two. Exit "
        "code 0: done, whatever the verdict; 1: an error; 2: it cannot, and nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        default = Options()
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what it would learn, how long it takes and whether the gate can decide; change nothing",
        )
        parser.add_argument(
            "--report",
            type=Path,
            metavar="FILE",
            help="write the report as one HTML page; it holds comments, so keep it private and delete it",
        )
        parser.add_argument("--activate", choices=retrain.ACTIVATE, default=default.activate)
        parser.add_argument(
            "--force",
            action="store_true",
            help="activate it even though it changes the flag or hold rate by over a quarter",
        )
        parser.add_argument(
            "--base",
            type=Path,
            metavar="CSV",
            help="Jigsaw-shaped rows: a part is learned again, and old and new are compared on the rest",
        )
        parser.add_argument("--min-reviews", type=int, default=default.min_reviews, metavar="N")
        parser.add_argument("--epochs", type=_positive, default=default.epochs)
        parser.add_argument(
            "--soft-targets",
            type=int,
            default=default.soft_targets,
            metavar="N",
            help="unreviewed texts that keep their current scores, against forgetting",
        )
        parser.add_argument(
            "--rehearsed",
            type=int,
            default=default.rehearsed,
            metavar="N",
            help="texts of our own making that keep their current scores, as well",
        )
        parser.add_argument(
            "--imported",
            type=int,
            default=default.imported,
            metavar="N",
            help="texts that import_labels brought, at most",
        )
        parser.add_argument(
            "--trainable",
            default=default.trainable,
            metavar="PART",
            help="what of the network moves: whole, last:N layers, head, or lora:RANK",
        )
        parser.add_argument(
            "--rehearsal-weight",
            type=_share,
            default=default.rehearsal_weight,
            metavar="WEIGHT",
            help="of a score that is to stay, beside a label: more forgets less, and learns less",
        )
        parser.add_argument(
            "--interpolation",
            type=_share,
            default=default.interpolation,
            metavar="SHARE",
            help="of the way from the active version's weights to the trained ones: less forgets less, and "
            "has learned less",
        )
        parser.add_argument(
            "--untouched-weight",
            type=_share,
            default=default.untouched_weight,
            metavar="WEIGHT",
            help="of a box that came with the model's opinion and that nobody touched; 1: as if touched",
        )
        parser.add_argument("--focal", action="store_true", help="learn less of what the model finds easy")
        parser.add_argument(
            "--eda",
            type=_share,
            default=default.eda,
            metavar="SHARE",
            help="of texts replaced by an EDA copy",
        )
        parser.add_argument(
            "--noise", type=_share, default=default.noise, metavar="SHARE", help="of texts that are misspelt"
        )
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        options = _options(given)
        if given["report"] is not None:
            _refuse_unwritable(given["report"])
        try:
            with ended_by_sigterm():
                if given["dry_run"]:
                    self._plan(options, as_json=given["json"])
                    return
                say = self.stderr.write if given["json"] else self.stdout.write
                done = retrain.retrain(options, username=system_user(), say=say)
        except Refused as refused:
            raise CommandError(str(refused), returncode=CANNOT) from refused
        except (
            RetrainingFailed,
            artifacts.ModelUnavailable,
            artifacts.PublishFailed,
            AlreadyPublished,
        ) as error:
            raise CommandError(str(error)) from error
        if given["json"]:
            self.stdout.write(json.dumps(_as_json(done), indent=2))
        else:
            self._tell(done)
        if given["report"] is not None:
            _write_report(given["report"], done)

    def _plan(self, options: Options, *, as_json: bool) -> None:
        plan = planning.plan(options)
        if as_json:
            self.stdout.write(json.dumps(plan.as_dict(), indent=2))
        elif not plan.refusal:
            self.stdout.write("\n".join([*planning.lines(plan), contradictions.waiting_line()]))
        if plan.refusal:
            raise CommandError(plan.refusal, returncode=CANNOT)

    def _tell(self, done: Retrained) -> None:
        comparison, verdict = done.compared.comparison, done.compared.verdict
        self.stdout.write(
            f"\n{done.candidate} against {done.run.parent}, {comparison.items} reviewed comments "
            f"of the test side, {comparison.random_items} of them drawn at random:"
        )
        self.stdout.write(f"{'':32}{'old':>10}{'new':>10}")
        for name, old, new in (
            ("Brier score", comparison.old_loss, comparison.new_loss),
            ("labels judged wrongly", comparison.old_errors, comparison.new_errors),
        ):
            self.stdout.write(f"{name:32}{_figure(old):>10}{_figure(new):>10}")
        if comparison.upper_bound is not None:
            self.stdout.write(
                f"difference {comparison.difference:+.4f}, with {1 - comparison.level:.1%} confidence below "
                f"{comparison.upper_bound:+.4f}"
            )
        if verdict.smallest is not None:
            self.stdout.write(f"a gain of {verdict.smallest:.4f} or more would be shown in 8 of 10 cases")
        late = done.compared.since_active
        if late is not None:
            self.stdout.write(
                f"Brier score on the {late.items} reviewed since {done.run.parent} was made: "
                f"{_figure(late.old_loss)} before, {_figure(late.new_loss)} now"
            )
        self.stdout.write("\nwhat must not get worse:")
        for guard in verdict.guards:
            self.stdout.write(_guard_line(guard))
        self._tell_of_the_site(done)
        self.stdout.write(f"\n{wording.headline(verdict.result)}")
        for code in verdict.reasons:
            self.stdout.write(f"- {wording.reason(code)}")
        if done.is_active:
            self.stdout.write(self.style.SUCCESS(f"{done.candidate} is active now."))
        else:
            self.stdout.write(
                f"{done.candidate} is registered, not active: `model_versions activate {done.candidate}` "
                "makes it so."
            )

    def _tell_of_the_site(self, done: Retrained) -> None:
        figures = done.compared.figures
        self.stdout.write(
            "\non the site, by these (95 % intervals; precision is that of what was reached in the queue):"
        )
        for label, by_name in figures["old"].items():
            for name in by_name:
                both = [_interval(figures[version][label][name]) for version in ("old", "new")]
                self.stdout.write(f"{label + ' ' + name:24}{both[0]:>24}{both[1]:>24}")
        report = done.compared.base_report
        if report:
            self.stdout.write(f"\naverage precision on {Path(done.run.options['base']).name}:")
            for label, found in report["old"].items():
                new = report["new"][label]["average_precision"]
                self.stdout.write(f"{label:24}{_figure(found['average_precision']):>10}{_figure(new):>10}")


def _options(given: Mapping[str, Any]) -> Options:
    if given["base"] is not None and not given["base"].is_file():
        raise CommandError(f"{given['base']} does not exist, or is no file.", returncode=CANNOT)
    try:
        return _made_of(given)
    except ValueError as error:
        raise CommandError(str(error), returncode=CANNOT) from error


def _made_of(given: Mapping[str, Any]) -> Options:
    return Options(
        activate=given["activate"],
        base=given["base"].resolve() if given["base"] else None,
        min_reviews=given["min_reviews"],
        epochs=given["epochs"],
        trainable=given["trainable"],
        rehearsal_weight=given["rehearsal_weight"],
        interpolation=given["interpolation"],
        untouched_weight=given["untouched_weight"],
        is_focal=given["focal"],
        eda=given["eda"],
        noise=given["noise"],
        soft_targets=given["soft_targets"],
        rehearsed=given["rehearsed"],
        imported=given["imported"],
        seed=given["seed"],
        force=given["force"],
    )


def _refuse_unwritable(report: Path) -> None:
    """Refuse a place where no report can be written, before the minutes of training."""
    if report.is_dir() or not os.access(report if report.exists() else report.parent, os.W_OK):
        raise CommandError(f"The report can't be written to {report}.", returncode=CANNOT)


def _write_report(path: Path, done: Retrained) -> None:
    """Write the report, for nobody else to read: it holds comments."""
    from moderation.admin.training_report.page import as_file  # a site without the admin needs no report

    try:
        with open(path, "w", encoding="utf-8", opener=_private) as file:
            file.write(as_file(done.run))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CommandError(
            f"{done.run} is done, but {path} could not be written ({reason}). The admin shows the report."
        ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _as_json(done: Retrained) -> dict[str, Any]:
    return {
        "run": done.run.pk,
        "parent": str(done.run.parent),
        "candidate": str(done.candidate),
        "result": done.compared.verdict.result,
        "activated": done.is_active,
        "counts": done.run.counts,
        "comparison": done.compared.comparison.as_dict(),
        "verdict": done.compared.verdict.as_dict(),
        "figures": done.compared.figures,
        "base": done.compared.base_report,
    }


def _guard_line(guard: Guard) -> str:
    state = "" if guard.passed else "  WORSE"
    old, new = (wording.value(guard, figure) for figure in (guard.old, guard.new))
    name = wording.guard_name(guard.name)
    return f"{name:40}{old:>10}{new:>10}   allowed: {wording.allowance(guard)}{state}"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:
        return "too few reviews"
    return f"{figure['value']:.2f} ({figure['low']:.2f} to {figure['high']:.2f})"


def _positive(given: str) -> float:
    value = float(given)
    if not 0 < value <= 100:
        raise ArgumentTypeError("must be over 0 and at most 100")
    return value


def _share(given: str) -> float:
    value = float(given)
    if not 0 <= value <= 1:
        raise ArgumentTypeError("must be from 0 to 1")
    return value
