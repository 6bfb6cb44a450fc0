"""`manage.py retrain`: learn from what people decided, compare, and activate what is better."""

import json
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from moderation.isolation import read_committed
from moderation.management.system_user import system_user
from moderation.retraining import retrain
from moderation.retraining.gate import needs, verdict
from moderation.retraining.retrain import Options, Retrained
from moderation.retraining.training_process import RetrainingFailed
from moderation.versions import artifacts
from moderation.versions.store import AlreadyPublished

VERDICTS = {
    verdict.BETTER: "The candidate is better.",
    verdict.NOT_BETTER: "The candidate is not shown to be better.",
    verdict.NOT_ENOUGH_EVIDENCE: (
        "Not enough evidence: the test side needs "
        f"{needs.MIN_ITEMS} reviewed comments, and of these {needs.MIN_RANDOM_ITEMS} that came up at random, "
        f"with different texts. Review more of the queue, or raise AUDIT_RATE."
    ),
}


class Command(BaseCommand):
    """Trains a candidate and changes nobody's visibility; workers take it up between batches once active."""

    help = "Train a new model version from reviews, starting from the active one, and compare the two."

    def add_arguments(self, parser: CommandParser) -> None:
        default = Options()
        parser.add_argument("--activate", choices=retrain.ACTIVATE, default=default.activate)
        parser.add_argument(
            "--base",
            type=Path,
            metavar="CSV",
            help="Jigsaw-shaped rows on which old and new are reported, too",
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
            "--force",
            action="store_true",
            help="activate it even though it changes the flag or hold rate by over a quarter",
        )
        parser.add_argument("--seed", type=int, default=default.seed)
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    @read_committed()
    def handle(self, *args: Any, **given: Any) -> None:
        if given["base"] is not None and not given["base"].is_file():
            raise CommandError(f"{given['base']} does not exist.")
        options = Options(
            activate=given["activate"],
            base=given["base"].resolve() if given["base"] else None,
            min_reviews=given["min_reviews"],
            epochs=given["epochs"],
            soft_targets=given["soft_targets"],
            rehearsed=given["rehearsed"],
            imported=given["imported"],
            seed=given["seed"],
            force=given["force"],
        )
        before = signal.signal(signal.SIGTERM, _leave)
        try:
            say = self.stderr.write if given["json"] else self.stdout.write
            done = retrain.retrain(options, username=system_user(), say=say)
        except (
            RetrainingFailed,
            artifacts.ModelUnavailable,
            artifacts.PublishFailed,
            AlreadyPublished,
        ) as error:
            raise CommandError(str(error)) from error
        finally:
            signal.signal(signal.SIGTERM, before)
        if given["json"]:
            self.stdout.write(json.dumps(_as_json(done), indent=2))
        else:
            self._report(done)

    def _report(self, done: Retrained) -> None:
        comparison = done.compared.comparison
        self.stdout.write(
            f"\n{done.candidate} against {done.run.parent}, {comparison.items} reviewed comments "
            f"of the test side, {comparison.random_items} of them drawn at random:"
        )
        self.stdout.write(f"{'':24}{'old':>10}{'new':>10}")
        for name, old, new in (
            ("Brier score", comparison.old_loss, comparison.new_loss),
            ("labels judged wrongly", comparison.old_errors, comparison.new_errors),
        ):
            self.stdout.write(f"{name:24}{_figure(old):>10}{_figure(new):>10}")
        if comparison.upper_bound is not None:
            self.stdout.write(
                f"difference {comparison.difference:+.4f}, with {1 - comparison.level:.1%} confidence below "
                f"{comparison.upper_bound:+.4f}"
            )
        self.stdout.write("\non the site, by these (95 % intervals):")
        for label, by_name in done.compared.figures["old"].items():
            for name in by_name:
                both = [_interval(done.compared.figures[version][label][name]) for version in ("old", "new")]
                self.stdout.write(f"{label + ' ' + name:24}{both[0]:>24}{both[1]:>24}")
        if done.compared.base_report:
            self.stdout.write(f"\naverage precision on {Path(done.run.options['base']).name}:")
            for label, figures in done.compared.base_report["old"].items():
                new = done.compared.base_report["new"][label]["average_precision"]
                self.stdout.write(f"{label:24}{_figure(figures['average_precision']):>10}{_figure(new):>10}")
        self.stdout.write(f"\n{VERDICTS[done.compared.verdict.result]}")
        if done.is_active:
            self.stdout.write(self.style.SUCCESS(f"{done.candidate} is active now."))
        else:
            self.stdout.write(
                f"{done.candidate} is registered, not active: `model_versions activate {done.candidate}` "
                "makes it so."
            )


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


def _leave(*_: object) -> None:
    sys.exit(143)
