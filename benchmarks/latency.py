"""How long a comment waits for its verdict: from the commit of its save to the commit of what was scored.

Comments are saved as a view does, one after the other at random moments (a Poisson process: exponential
pauses), while one Celery worker screens them, with PostgreSQL and Redis. The save's commit is noted by this
process, the verdict's by PostgreSQL (track_commit_timestamp): both clocks are this machine's. The baseline is
`Classifier.predict` of the same comments one at a time, before the first comment and after the last.

    python benchmarks/latency.py [--per-second 20] [--seconds 60] [--data FILE] [--json]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line, comments
from benchmarks.command_line import positive
from benchmarks.running_site import Site, running_site

AIM = 300.0
"""Milliseconds that 95 of 100 comments wait at most, on two cores."""
WARM_UP = 64
BASELINE = 100
"""Comments of the baseline, before and once more after."""
PERCENTILES = (50, 95, 99)


def main() -> int:
    """Print a table, or JSON with --json; with --strict exit with 1 where the aim is missed."""
    args = _arguments()
    rng = np.random.default_rng(args.seed)
    count = max(1, round(args.per_second * args.seconds))
    texts = comments.some(count, args.data, args.seed)
    with running_site("postgresql") as site:
        predict = _classifier().predict
        site.start_workers()
        site.fill(texts[:WARM_UP])
        site.release()
        site.wait_until_screened()
        alone = _alone(predict, texts[:BASELINE])
        committed, took = _save_at_random(site, texts, args.per_second, rng)
        site.wait_until_screened()
        alone += _alone(predict, texts[:BASELINE])
        waited = [1000 * (verdict - committed[key]) for key, verdict in _verdict_commits(committed).items()]
    report = {
        "comments": len(waited),
        "lost": len(committed) - len(waited),
        "per_second": len(committed) / took,
        "save_to_verdict_ms": _percentiles(waited),
        "bare_predict_ms": _percentiles(alone),
        "times_bare": {f"p{p}": _at(waited, p) / _at(alone, p) for p in PERCENTILES},
        "aim_p95_ms": AIM,
        "characters": command_line.lengths(texts),
        "data": args.data.name if args.data else "made up",
        **command_line.machine(),
    }
    if args.json:
        command_line.print_json(report)
    else:
        _show(report)
    return 1 if args.strict and report["save_to_verdict_ms"]["p95"] > AIM else 0


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    command_line.add_comments(parser)
    parser.add_argument("--per-second", type=float, default=20.0, help="on average (default: 20)")
    parser.add_argument("--seconds", type=positive, default=60, help="default: 60")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where the aim is missed")
    return parser.parse_args()


def _classifier() -> Any:
    from moderation.versions import store
    from toxicity_ml import Classifier

    return Classifier.load(store.local_directory(store.active_version()), backend="auto")


def _alone(predict: Any, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each text by itself."""
    found = []
    for text in texts:
        start = time.perf_counter()
        predict(text)
        found.append(1000 * (time.perf_counter() - start))
    return found


def _save_at_random(
    site: Site, texts: Sequence[str], per_second: float, rng: np.random.Generator
) -> tuple[dict[str, float], float]:
    """{comment's key: when its save was committed, seconds since 1970}, and how many seconds it all took."""
    from django.db import transaction

    committed: dict[str, float] = {}
    times: list[float] = []
    start = due = time.monotonic()
    for text in texts:
        due += rng.exponential(1 / per_second)
        time.sleep(max(0.0, due - time.monotonic()))
        with transaction.atomic():
            # before the notifier's, which waits for Redis
            transaction.on_commit(lambda: times.append(time.time()))
            comment = site.save(text)
        committed[str(comment.pk)] = times[-1]
    return committed, time.monotonic() - start


def _verdict_commits(comments_saved: Mapping[str, float]) -> dict[str, float]:
    """{comment's key: when the transaction that wrote its scoring was committed}, by PostgreSQL."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT screening.object_id, extract(epoch FROM pg_xact_commit_timestamp(scoring.xmin))
            FROM moderation_scoring AS scoring
            JOIN moderation_screening AS screening ON screening.id = scoring.screening_id
            WHERE scoring.is_basis AND screening.is_current
            """
        )
        return {key: float(when) for key, when in cursor.fetchall() if key in comments_saved}


def _at(values: Sequence[float], percentile: int) -> float:
    return float(np.percentile(values, percentile))


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    return {**{f"p{p}": _at(values, p) for p in PERCENTILES}, "max": max(values)}


def _show(report: dict[str, Any]) -> None:
    waited, alone, ratio = (report[key] for key in ("save_to_verdict_ms", "bare_predict_ms", "times_bare"))
    names = [f"p{p}" for p in PERCENTILES]
    rows = [
        ("from save to verdict, ms", *(f"{waited[name]:.0f}" for name in names), f"{waited['max']:.0f}"),
        ("bare predict of one, ms", *(f"{alone[name]:.1f}" for name in names), f"{alone['max']:.0f}"),
        ("times bare predict", *(f"{ratio[name]:.1f}" for name in names), ""),
    ]
    title = f"{report['comments']} comments at {report['per_second']:.1f} a second, one worker"
    command_line.print_table(title, ("", *names, "max"), rows)
    verdict = "met" if waited["p95"] <= AIM else "MISSED"
    print(f"Aim, p95 at most {AIM:.0f} ms: {verdict}. Without a verdict: {report['lost']}.")
    print(command_line.described("comments", report))
    command_line.print_machine(report)


if __name__ == "__main__":
    sys.exit(main())
