"""How much of the bare classifier's speed is left when comments go through the whole pipeline.

A backlog of comments is put into the database, and real Celery workers screen it: claim, score, judge, store.
Before or after each time, the very same comments go through `Classifier.predict` in this process, in chunks
of the same size and in the same order, with nothing around it. The two take turns, and the figure is the
median of their ratios, so that whatever else the machine does slows both.

    python benchmarks/pipeline.py [--data FILE] [--only NAME ...] [--json]

one          one worker, PostgreSQL and Redis; the aim is 85 % of the bare classifier
sqlite       the same on SQLite; the same aim
two          two workers on PostgreSQL, each with half the cores; also against `one`
producers    one worker on PostgreSQL, while this process saves comments as the site does; no aim

PostgreSQL waits for the disk at every commit. Each name runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line, comments
from benchmarks.command_line import positive
from benchmarks.running_site import Site, running_site

NAMES = ("one", "sqlite", "two", "producers")
AIM = 0.85
AIMED_AT = ("one", "sqlite")
WARM_UP = 128
"""Comments before anything is timed."""


@dataclass
class Way:
    """One way of running the pipeline, and the bare classifier beside it."""

    name: str
    workers: int
    rates: list[float] = field(default_factory=list)
    """Comments a second, for each round."""
    bare: list[float] = field(default_factory=list)
    """Those of the bare classifier in the same rounds."""
    saves: list[float] = field(default_factory=list)
    """Milliseconds of each save at the same time."""

    def as_dict(self) -> dict[str, Any]:
        """With the medians that the table shows."""
        ratios = [ours / bare for ours, bare in zip(self.rates, self.bare, strict=True)]
        found = {
            "name": self.name,
            "workers": self.workers,
            "comments_per_second": _spread(self.rates),
            "bare_comments_per_second": _spread(self.bare),
            "of_bare": _spread(ratios),
            "aim": AIM if self.name in AIMED_AT else None,
        }
        if self.saves:
            found["saves"] = len(self.saves)
            found["milliseconds_of_a_save"] = _spread(self.saves)
        return found


def main() -> int:
    """Print a table, or JSON with --json; with --strict exit with 1 where an aim is missed."""
    args = _arguments()
    if args.inside:
        command_line.print_json(_measured(args.only[0], args).as_dict())
        return 0
    ways = [_in_its_own_process(name) for name in args.only]
    by_name = {way["name"]: way for way in ways}
    report = {
        "ways": ways,
        "two_to_one": _two_to_one(by_name),
        "comments": args.count,
        "characters": command_line.lengths(comments.some(args.count, args.data, args.seed)),
        "data": args.data.name if args.data else "made up",
        "rounds": args.rounds,
        **command_line.machine(),
    }
    if args.json:
        command_line.print_json(report)
    else:
        _show(report)
    missed = [way for way in ways if way["aim"] and way["of_bare"]["median"] < way["aim"]]
    return 1 if missed and args.strict else 0


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    command_line.add_comments(parser)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), metavar="NAME")
    parser.add_argument("--count", type=positive, default=800, help="comments a round (default: 800)")
    parser.add_argument("--rounds", type=positive, default=5, help="default: 5")
    parser.add_argument("--saves-per-second", type=positive, default=50, help="of producers (default: 50)")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_its_own_process(name: str) -> dict[str, Any]:
    """Django knows one database in each process: run this script again for one name."""
    command_line.progress(f"{name} …")
    options = [option for option in sys.argv[1:] if option not in ("--json", "--strict")]
    command = [sys.executable, __file__, *options, "--only", name, "--inside"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _measured(name: str, args: argparse.Namespace) -> Way:
    texts = comments.some(args.count, args.data, args.seed)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = 2 if name == "two" else 1
    way = Way(name, workers)
    options = {"THREADS": max(1, cores // 2)} if name == "two" else {}
    # Only the notifier wakes workers: one that sweeps in another's turn would take part of the machine.
    with running_site("sqlite" if name == "sqlite" else "postgresql", SWEEP_SECONDS=3600, **options) as site:
        predict, size = _bare_classifier()
        site.start_workers(workers)
        site.fill(texts[:WARM_UP])
        site.release()
        site.wait_until_screened()
        _in_chunks(predict, texts[:WARM_UP], size)
        for number in range(args.rounds):
            turns: list[Callable[[], None]] = [
                lambda: way.rates.append(_rate(site, texts, args.saves_per_second, way)),
                lambda: way.bare.append(_in_chunks(predict, texts, size)),
            ]
            for turn in turns if number % 2 else turns[::-1]:
                turn()
            command_line.progress(f"  {way.rates[-1]:.1f} of {way.bare[-1]:.1f} comments a second")
    return way


def _bare_classifier() -> tuple[Callable[[Sequence[str]], Any], int]:
    """The active version as any program would load it, and how many texts a worker claims at a time."""
    from moderation.screening.model import batch_limits
    from moderation.versions import store
    from toxicity_ml import Classifier

    classifier = Classifier.load(store.local_directory(store.active_version()), backend="auto")
    return classifier.predict, batch_limits(is_batched=classifier.runner.is_batched).texts


def _in_chunks(predict: Callable[[Sequence[str]], Any], texts: Sequence[str], size: int) -> float:
    start = time.perf_counter()
    for first in range(0, len(texts), size):
        predict(texts[first : first + size])
    return len(texts) / (time.perf_counter() - start)


def _rate(site: Site, texts: Sequence[str], saves_per_second: int, way: Way) -> float:
    """Comments a second from the release of the backlog until nothing is pending."""
    last = site.fill(texts)[-1]
    saved = 0
    start = time.perf_counter()
    site.release()
    if way.name == "producers":
        saved = _save_meanwhile(site, texts, saves_per_second, last, way.saves)
    site.wait_until_screened()
    return (len(texts) + saved) / (time.perf_counter() - start)


def _save_meanwhile(
    site: Site, texts: Sequence[str], per_second: int, last: int, milliseconds: list[float]
) -> int:
    """Save comments on a thread, evenly, until the backlog is screened; how many."""
    from django.db import connections

    is_over = threading.Event()
    costs: list[float] = []
    errors: list[BaseException] = []

    def produce() -> None:
        try:
            begin = time.perf_counter()
            # the first one in any case
            while not costs or not is_over.wait(
                max(0.0, begin + len(costs) / per_second - time.perf_counter())
            ):
                before = time.perf_counter()
                site.save(texts[len(costs) % len(texts)])
                costs.append(1000 * (time.perf_counter() - before))
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        site.wait_until_screened(last)
    finally:
        is_over.set()
        thread.join()
    if errors:
        raise errors[0]
    milliseconds += costs
    return len(costs)


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def _two_to_one(ways: dict[str, dict[str, Any]]) -> float | None:
    """Each against the bare classifier of its own rounds, as the machine may have changed in between."""
    if not {"one", "two"} <= ways.keys():
        return None
    two, one = (ways[name]["of_bare"]["median"] for name in ("two", "one"))
    return float(two / one)


def _show(report: dict[str, Any]) -> None:
    titles = {
        "one": "one worker, PostgreSQL",
        "sqlite": "one worker, SQLite",
        "two": "two workers, PostgreSQL",
        "producers": "one worker, PostgreSQL, site saving",
    }
    rows = []
    for way in report["ways"]:
        ratio, rate, bare = way["of_bare"], way["comments_per_second"], way["bare_comments_per_second"]
        spread = f"{100 * ratio['low']:.0f} to {100 * ratio['high']:.0f} %"
        aim = "" if way["aim"] is None else f"{100 * way['aim']:.0f} %"
        verdict = "" if way["aim"] is None else ("met" if ratio["median"] >= way["aim"] else "MISSED")
        figures = (f"{rate['median']:.1f}", f"{bare['median']:.1f}", f"{100 * ratio['median']:.1f} %")
        rows.append((titles[way["name"]], *figures, spread, aim, verdict))
    columns = ("", "comments/s", "bare predict", "of bare", "lowest to highest", "aim", "")
    command_line.print_table("The pipeline against bare Classifier.predict", columns, rows)
    for way in report["ways"]:
        if "saves" in way:
            save = way["milliseconds_of_a_save"]
            print(
                f"{way['saves']} saves meanwhile, {save['median']:.1f} ms each (median; at most "
                f"{save['high']:.0f} ms)"
            )
    if report["two_to_one"] is not None:
        print(f"Two workers are {report['two_to_one']:.2f} times as fast as one on this machine.")
    what = command_line.described(f"{report['comments']} comments a round", report)
    print(f"{what}; {report['rounds']} rounds, medians")
    command_line.print_machine(report)


if __name__ == "__main__":
    sys.exit(main())
