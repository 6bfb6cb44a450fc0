"""Many comments through one worker: is any lost, does its memory stay flat, does its rate stay what it was?

All comments stand in the database before one Celery worker with PostgreSQL and Redis begins; more come from
the same texts where there are not enough. Its memory (resident, children included) is sampled all the while;
the first tenth of the comments is its warm-up. The baseline of the rate is the first fifth of the run, that
of the memory its highest value in the warm-up.

    python benchmarks/soak.py [--count 200000] [--pool solo] [--data FILE] [--json]
"""

from __future__ import annotations

import argparse
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line, comments
from benchmarks.command_line import positive
from benchmarks.running_site import Site, running_site

LEAST = 400
WARM_UP = 0.1
MEMORY_AIM = 1.05
"""The highest memory after the warm-up is at most so many times the highest in it."""
RATE_AIM = 0.95
"""The last fifth is at least so many times as fast as the first."""


def main() -> int:
    """Print three lines, or JSON with --json; with --strict exit with 1 where one says FAIL."""
    args = _arguments()
    different = comments.some(args.count, args.data, args.seed)
    texts = list(islice(cycle(different), args.count))
    with running_site("postgresql", SWEEP_SECONDS=args.sweep_seconds) as site:
        keys = site.fill(texts)
        (worker,) = site.start_workers(pool=args.pool, concurrency=args.concurrency)
        samples = _run(site, worker.process.pid, keys, args.sample_seconds)
        report: dict[str, Any] = {
            **_counts(keys),
            **_rates(),
            **_memory(samples, args.count),
            "comments": args.count,
            "different": len(different),
            "pool": args.pool,
            "characters": command_line.lengths(texts),
            "data": args.data.name if args.data else "made up",
            **command_line.machine(),
        }
    report["passed"] = {
        "none lost": report["without_verdict"] == report["scored_twice"] == report["deaths"] == 0,
        "memory flat": report["memory_ratio"] <= MEMORY_AIM,
        "rate constant": report["rate_ratio"] >= RATE_AIM,
    }
    if args.json:
        command_line.print_json(report)
    else:
        _show(report)
    return 0 if all(report["passed"].values()) or not args.strict else 1


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    command_line.add_comments(parser)
    parser.add_argument("--count", type=positive, default=200_000, help="comments (default: 200,000)")
    parser.add_argument("--pool", choices=("solo", "threads", "prefork"), default="solo")
    parser.add_argument("--concurrency", type=positive, default=1, help="of the pool (default: 1)")
    parser.add_argument("--sample-seconds", type=float, default=2.0, help="default: 2")
    parser.add_argument("--sweep-seconds", type=float, default=30.0, help="default: 30, as on a site")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a line says FAIL")
    args = parser.parse_args()
    if args.count < LEAST:
        parser.error(f"fifths of fewer than {LEAST} comments are too few batches to compare")
    return args


def _run(site: Site, pid: int, keys: Sequence[int], pause: float) -> list[tuple[int, float]]:
    """Let the worker screen everything; (comments done, megabytes) of each moment that was looked at."""
    from moderation.models import Screening

    process = psutil.Process(pid)
    # The oldest of those that wait tells how far it is; counting them would cost more than looking at one.
    waiting = Screening.objects.pending().order_by("-priority", "created", "id").values_list("pk", flat=True)
    samples: list[tuple[int, float]] = []
    site.release()
    while not samples or samples[-1][0] < len(keys):
        time.sleep(pause)
        if not process.is_running():
            raise RuntimeError("The worker ended by itself.")
        first = waiting.first()
        samples.append((len(keys) if first is None else bisect_left(keys, first), _megabytes(process)))
        command_line.progress(f"{samples[-1][0]} done, {samples[-1][1]:.0f} MB")
    return samples


def _megabytes(process: psutil.Process) -> float:
    found = 0
    for part in (process, *process.children(recursive=True)):
        try:
            found += part.memory_info().rss
        except psutil.NoSuchProcess:  # a child that was replaced meanwhile
            continue
    return found / 1e6


def _counts(keys: Sequence[int]) -> dict[str, int]:
    from django.db.models import Count

    from moderation.models import Scoring, Screening

    done = Screening.objects.filter(is_current=True, status=Screening.Status.DONE, lease_token=None)
    scored = Scoring.objects.values("screening").annotate(times=Count("id")).filter(times__gt=1)
    return {
        "without_verdict": len(keys) - done.filter(scorings__is_basis=True).count(),
        "scored_twice": scored.count(),
        "deaths": Screening.objects.exclude(deaths=0).count(),
    }


def _rates() -> dict[str, float]:
    """Comments a second of the first and the last fifth, by when their verdicts were written."""
    from moderation.models import Screening

    rows = Screening.objects.filter(scored__isnull=False).order_by("scored")
    times = [moment.timestamp() for moment in rows.values_list("scored", flat=True)]
    fifth = max(1, len(times) // 5)

    def rate(part: Sequence[float]) -> float:
        # from the last verdict of one batch to that of another: the batch at the beginning took no time yet
        taken = part[-1] - part[0]
        return sum(moment > part[0] for moment in part) / taken if taken else float("nan")

    first, last = rate(times[:fifth]), rate(times[-fifth:])
    return {
        "per_second": rate(times),
        "first_fifth_per_second": first,
        "last_fifth_per_second": last,
        "rate_ratio": last / first,
    }


def _memory(samples: Sequence[tuple[int, float]], count: int) -> dict[str, float]:
    before = [megabytes for done, megabytes in samples if done <= WARM_UP * count] or [samples[0][1]]
    after = [megabytes for done, megabytes in samples if done > WARM_UP * count]
    return {
        "warm_up_megabytes": max(before),
        "highest_megabytes": max(after, default=max(before)),
        "last_megabytes": samples[-1][1],
        "memory_ratio": max(after, default=max(before)) / max(before),
        "samples": len(samples),
    }


def _show(report: dict[str, Any]) -> None:
    said = {name: "PASS" if passed else "FAIL" for name, passed in report["passed"].items()}
    lost = (
        f"{report['without_verdict']} without a verdict, {report['scored_twice']} scored twice, "
        f"{report['deaths']} deaths"
    )
    memory = (
        f"{report['warm_up_megabytes']:.0f} MB in the warm-up, then at most "
        f"{report['highest_megabytes']:.0f}, {report['last_megabytes']:.0f} at the end: "
        f"{report['memory_ratio']:.3f}"
    )
    rate = (
        f"{report['first_fifth_per_second']:.1f}/s in the first fifth, "
        f"{report['last_fifth_per_second']:.1f} in the last: {report['rate_ratio']:.3f}"
    )
    rows = [
        (said["none lost"], f"none of {report['comments']} lost: {lost}"),
        (said["memory flat"], f"memory flat, at most {MEMORY_AIM} times the warm-up: {memory}"),
        (said["rate constant"], f"rate constant, at least {RATE_AIM} of the first fifth: {rate}"),
    ]
    for verdict, line in rows:
        print(f"{verdict}  {line}")
    what = command_line.described(f"{report['different']} different comments", report)
    print(f"{what}; {report['per_second']:.1f} a second, pool {report['pool']}")
    command_line.print_machine(report)


if __name__ == "__main__":
    sys.exit(main())
