"""A forum whose banter the model flags and whose own insults it misses: what retraining on decisions mends.

A made-up harbour forum of known truth (`benchmarks/community`). Its comments go through the screening of a
worker, readers report some, moderators who err at 8 % work the queue's pages in its own order, and the real
`manage.py retrain` learns from what they decided. Then the version before and the one after score comments
of the forum that nobody reviewed, sentences that name groups of people, and, with --jigsaw, the validation
rows of Jigsaw's comments. A second round goes on from there with as many new comments and decisions.

    python benchmarks/retrain_story.py [--comments 20000] [--decisions 600] [--fresh 2000] [--rounds 2]
        [--jigsaw DIR] [--database sqlite|postgresql] [--keep DIR] [--json] [-- OPTIONS OF retrain]

--jigsaw DIR: a folder with valid.csv.gz and valid_enriched.csv.gz. --keep DIR: where the site stays; days
that have gone by on a site that was kept there do not go by again, and a round that ended with a retraining
is measured and not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from benchmarks.command_line import positive
from benchmarks.community.generator import Comment, comments
from mysite.demo.environment import WorkDirectory
from tests.servers import PostgresServer

if TYPE_CHECKING:
    from benchmarks.community.forum import Forum
    from benchmarks.community.measuring import Ruler

DAYS = 10
FRESH_SEED = 9_000_000
"""Far from the seeds of the comments that are posted."""
ROWS = (
    ("false positives a 1,000 comments", "false_positives", 1000),
    ("recall on what the first version missed", "recall_on_missed", 1),
    ("recall on everything harmful", "recall", 1),
    ("precision", "precision", 1),
    ("harmless sentences that name a group, flagged", "identity_flagged", 1),
    ("hateful sentences that name a group, flagged", "identity_recall", 1),
)


def main() -> int:
    """Print the tables, or one JSON object with --json."""
    args = _arguments()
    with scratch_site(args.database, args.keep, AUDIT_RATE=args.audit_rate, HOLD_AT=args.hold_at):
        report = story(args)
    report["machine"] = command_line.machine()
    if args.json:
        command_line.print_json(report)
    else:
        _print(report)
    return 0


def story(args: argparse.Namespace) -> dict[str, Any]:
    """Live through the rounds. Django is set up."""
    from benchmarks.community.forum import Forum
    from benchmarks.community.measuring import Ruler
    from moderation.models import ModelVersion
    from moderation.versions import store

    forum = Forum()
    fresh = comments(args.fresh, seed=FRESH_SEED + args.seed)
    store.active_version()  # registers the packaged version on a new site
    first = ModelVersion.objects.filter(parent=None).earliest("pk")
    ruler = Ruler(store.local_directory(first), fresh, args.jigsaw)
    report: dict[str, Any] = {
        "comments": args.comments,
        "fresh": len(fresh),
        "harmful_share": sum(comment.is_toxic for comment in fresh) / len(fresh),
        "error_rate": args.error_rate,
        "audit_rate": args.audit_rate,
        "before": ruler.measure(ruler.first),
        "rounds": [],
    }
    for number in range(1, args.rounds + 1):
        report["rounds"].append(_round(number, args, forum, ruler))
    return report


def _round(number: int, args: argparse.Namespace, forum: Forum, ruler: Ruler) -> dict[str, Any]:
    from moderation.models import ModelVersion, Review, Screening
    from moderation.versions import store

    began = time.monotonic()
    if Screening.objects.count() >= number * args.comments:  # the days of a kept site have gone by
        forum.recognise([one for past in range(number) for one in _written(past + 1, args)])
    else:
        random.seed(1000 * number + args.seed)  # what is audited, and where such items stand in the queue
        forum.live(
            _written(number, args),
            days=DAYS,
            decisions=args.decisions,
            error_rate=args.error_rate,
            reported=args.reported,
            seed=1000 * number + args.seed,
            say=command_line.progress,
        )
    errors = forum.errors([one for before in range(number) for one in _written(before + 1, args)])
    lived = time.monotonic() - began
    retrained = _retrained(number) or retrain(args.retrain)
    trained = time.monotonic() - began - lived
    before, candidate = (
        store.local_directory(ModelVersion.objects.get(name=name, version=version))
        for name, _, version in (retrained[which].rpartition("@") for which in ("parent", "candidate"))
    )
    return {
        "number": number,
        "decisions": Screening.objects.exclude(outcome="").count(),
        "second_opinions": Review.objects.filter(kind=Review.Kind.SECOND_OPINION).count(),
        "errors": errors,
        "screenings": Screening.objects.count(),
        "decided_by_reason": _decided_by_reason(),
        "retrained": retrained,
        "seconds": {"living": round(lived), "retraining": round(trained)},
        "active_before": ruler.measure(before),
        "candidate": ruler.measure(candidate),
    }


def _retrained(number: int) -> dict[str, Any] | None:
    """Return what the retraining of a round of a kept site answered, as `retrain` below does; None: none has.

    "activated" is whether the candidate was activated at all, by the run or by a person later.
    """
    from moderation.models import TrainingRun

    done = TrainingRun.objects.filter(status=TrainingRun.Status.DONE).order_by("pk")[number - 1 : number]
    for run in done:
        assert run.candidate is not None, "A run that is done has one."
        return {
            "run": run.pk,
            "parent": str(run.parent),
            "candidate": str(run.candidate),
            "result": run.result,
            "activated": run.candidate.activated is not None,
            "counts": run.counts,
            "comparison": run.comparison["test"],
            "verdict": run.comparison["verdict"],
            "figures": run.comparison["figures"],
            "base": run.comparison["base"],
        }
    return None


def _written(number: int, args: argparse.Namespace) -> list[Comment]:
    """Return the comments of a round."""
    return comments(args.comments, seed=1000 * number + args.seed)


def _decided_by_reason() -> dict[str, int]:
    from django.db.models import Count

    from moderation.models import Screening

    rows = Screening.objects.exclude(outcome="").order_by().values_list("queued_for")
    return dict(rows.annotate(count=Count("pk")))


def retrain(options: list[str]) -> dict[str, Any]:
    """Run `manage.py retrain --json` with these further options; its answer."""
    from django.core.management import call_command

    out = StringIO()
    call_command("retrain", "--json", *options, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@contextmanager
def scratch_site(database: str, keep: Path | None, **moderation: Any) -> Iterator[None]:
    """Set Django up for a site of its own, without Redis. keep: a folder in which it stays.

    moderation: keys of `MODERATION` that differ from the demo site's.
    """
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="story-")))
        work = WorkDirectory(folder.resolve(), once=True)
        work.logs.mkdir(parents=True, exist_ok=True)
        os.environ.update(work.environment())
        if database == "postgresql":
            postgres = PostgresServer("-c", "fsync=off")
            stack.callback(postgres.close)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, for which it falls back
                os.environ["DATABASE_URL"] = postgres.start().create("story")
        settings = {
            "BROKER": False,
            "TEXT_KEY_SECRET": "the same sides in every run",
            "MODEL_CACHE": str(work.run / "cache"),  # trainings of another site work in the user's own
            **moderation,
        }
        os.environ.update(
            BENCHMARK_MODERATION=json.dumps(settings),
            DJANGO_SETTINGS_MODULE="benchmarks.site_settings",
            ALLOWED_HOSTS="testserver",
            LOG_LEVEL="ERROR",
        )
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        stack.callback(connections.close_all)
        yield


def _print(report: dict[str, Any]) -> None:
    columns = ["", "before", *(f"after round {one['number']}" for one in report["rounds"])]
    versions = [report["before"], *(one["candidate"] for one in report["rounds"])]
    rows = [
        [title, *(_interval(version[name], times) for version in versions)] for title, name, times in ROWS
    ]
    for name in report["before"].get("jigsaw", {}):
        rows.append([f"mean AP, {name}", *(_change(version["jigsaw"][name]) for version in versions)])
    for kind in report["before"]["kinds"]:
        rows.append([f"flagged of {kind}", *(_interval(version["kinds"][kind], 1) for version in versions)])
    command_line.print_table(
        f"{report['fresh']} comments that nobody reviewed (95 % intervals)", columns, rows
    )
    for one in report["rounds"]:
        _print_round(one)
    command_line.print_machine(report["machine"])


def _print_round(one: dict[str, Any]) -> None:
    retrained, old, new = one["retrained"], one["active_before"], one["candidate"]
    print(
        f"\nround {one['number']}: {one['decisions']} decisions so far ({one['errors']} wrong; "
        f"{one['decided_by_reason']}), {one['second_opinions']} second opinions; "
        f"{retrained['result']}, {'' if retrained['activated'] else 'not '}activated; "
        f"{one['seconds']['living']} s of days, {one['seconds']['retraining']} s of retraining"
    )
    gate = retrained["comparison"]
    if gate["difference"] is not None:
        print(
            f"Brier score, the gate: {gate['old_loss']:.4f} to {gate['new_loss']:.4f} "
            f"({gate['difference']:+.4f}, below {gate['upper_bound']:+.4f}); "
            f"the truth: {old['brier']:.4f} to {new['brier']:.4f} ({new['brier'] - old['brier']:+.4f})"
        )
    for when, truth in (("old", old), ("new", new)):
        for name in ("precision", "recall"):
            figure = retrained["figures"][when].get("any", {}).get(name)
            if figure and figure["value"] is not None:
                print(
                    f"{name} of the {when} one, the site's estimate: {figure['value']:.2f} "
                    f"({figure['low']:.2f} to {figure['high']:.2f}); the truth: {truth[name]['value']:.2f}"
                )


def _interval(figure: dict[str, float], times: float) -> str:
    digits = 0 if times == 1000 else 2
    value, low, high = (figure[name] * times for name in ("value", "low", "high"))
    return f"{value:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _change(figure: dict[str, float]) -> str:
    return f"{figure['value']:.4f} ({figure['change']:+.4f}: {figure['low']:+.4f} to {figure['high']:+.4f})"


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--comments", type=positive, default=20_000, help="of each round (default: 20000)")
    parser.add_argument("--decisions", type=positive, default=600, help="of each round (default: 600)")
    parser.add_argument("--fresh", type=positive, default=2000, help="that nobody reviews (default: 2000)")
    parser.add_argument("--rounds", type=positive, default=2)
    parser.add_argument("--error-rate", type=float, default=0.08, help="of the moderators (default: 0.08)")
    parser.add_argument("--audit-rate", type=float, default=0.05, help="as the setting (default: 0.05)")
    parser.add_argument("--hold-at", type=float, help="as the setting (default: nothing is held)")
    parser.add_argument(
        "--reported", type=float, default=0.12, help="share of missed comments that a reader reports"
    )
    parser.add_argument("--jigsaw", type=Path, metavar="DIR")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="where the site stays")
    parser.add_argument("--seed", type=int, default=0)
    own, of_retrain = command_line.before_and_after_dashes(sys.argv[1:])
    args = parser.parse_args(own)
    args.retrain = of_retrain
    return args


if __name__ == "__main__":
    raise SystemExit(main())
