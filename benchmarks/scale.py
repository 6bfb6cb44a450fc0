"""What a million screenings cost: claims, stores and the moderators' pages, at several sizes of the database.

PostgreSQL is filled by set-based SQL (benchmarks/million.py) to each size in turn. There, the database work
of a worker's batch of 32 and every page of the queue through Django's test client, logged in as a moderator,
are done several times: median milliseconds, and how many queries. The smallest size is the baseline: the
last column says how many times as long it takes at the largest.

    python benchmarks/scale.py [--sizes 10000 100000 1000000] [--data FILE] [--json]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line, comments
from benchmarks.command_line import positive
from benchmarks.running_site import Site, running_site

AIM = 100.0
"""Milliseconds of each."""
BATCH = 32
TEXTS = 2000
QUEUE = "/admin/moderation/screening/"
PAGES = {
    "first page": QUEUE,
    "page 20": f"{QUEUE}?p=20",
    "label insult": f"{QUEUE}?label=insult",
    "label threat": f"{QUEUE}?label=threat",
    "held": f"{QUEUE}?verdict__exact=held",
    "failed": f"{QUEUE}?state=failed",
    "decided": f"{QUEUE}?state=decided",
    "decided, threat": f"{QUEUE}?state=decided&label=threat",
    "all": f"{QUEUE}?state=all",
    "all, held": f"{QUEUE}?state=all&verdict__exact=held",
    "all, threat": f"{QUEUE}?state=all&label=threat",
    "all of an hour": f"{QUEUE}?state=all&created__gte={{hour}}",
    "search for an object": f"{QUEUE}?state=all&q=1000000007",
    "search for an author": f"{QUEUE}?state=all&q=7919",
    "search in vain": f"{QUEUE}?state=all&q=nobody",
    "one item": f"{QUEUE}{{item}}/change/",
    "reviews": "/admin/moderation/review/",
    "audit trail": "/admin/moderation/auditentry/",
    "dashboard, 7 days": "/admin/moderation/storedfigures/?days=7",
    "dashboard, 90 days": "/admin/moderation/storedfigures/?days=90",
}


@dataclass
class Cost:
    """What one thing costs at one size."""

    milliseconds: float
    """Median."""
    in_queries: float
    """Of these, median milliseconds from sending a query to its answer."""
    queries: int
    """The most that were seen."""


@dataclass
class Costs:
    """By size, then by what was done."""

    found: dict[int, dict[str, Cost]] = field(default_factory=dict)
    bytes_each: dict[int, float] = field(default_factory=dict)
    """With indexes and all that belongs to it."""
    tables: dict[str, float] = field(default_factory=dict)
    """The same by table, at the largest size."""
    figures_seconds: dict[int, float] = field(default_factory=dict)
    """How long a worker makes the dashboard's figures, all days of the past being counted already."""


def main() -> int:
    """Print a table, or JSON with --json; with --strict exit with 1 where something takes too long."""
    args = _arguments()
    sizes = sorted(args.sizes)
    texts = comments.some(TEXTS, args.data, args.seed)
    # A comment that is drawn for the audit by chance is one query more, at one size and not at another.
    with running_site("postgresql", SWEEP_SECONDS=3600, AUDIT_RATE=0) as site:
        costs = _measured(site, sizes, texts, args.repeats)
    report = _report(costs, sizes)
    report |= {
        "repeats": args.repeats,
        "characters": command_line.lengths(texts),
        "data": args.data.name if args.data else "made up",
        **command_line.machine(),
    }
    if args.json:
        command_line.print_json(report)
    else:
        _show(report, sizes)
    return 1 if args.strict and report["missed"] else 0


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    command_line.add_comments(parser)
    parser.add_argument("--sizes", type=positive, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeats", type=positive, default=9, help="default: 9")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where something takes too long")
    return parser.parse_args()


def _measured(site: Site, sizes: Sequence[int], texts: Sequence[str], repeats: int) -> Costs:
    from django.contrib.contenttypes.models import ContentType
    from django_comments.models import Comment

    from benchmarks import million
    from moderation.versions import store as model_store

    costs = Costs()
    version = model_store.active_version().pk
    content_type = ContentType.objects.get_for_model(Comment).pk
    million.prepare(texts)
    client = _moderator()
    size = 0
    for wanted in sizes:
        million.grow(
            size + 1,
            wanted,
            newest=sizes[-1],
            texts=len(texts),
            content_type=content_type,
            version=version,
        )
        size = wanted
        command_line.progress(f"{size} screenings")
        sizes_in_bytes = million.bytes_by_table()
        costs.tables = {name: value / size for name, value in sizes_in_bytes.items()}
        costs.bytes_each[size] = sum(costs.tables.values())
        costs.figures_seconds[size] = _figures()
        costs.found[size] = {**_batches(site, texts, repeats), **_pages(client, repeats)}
    return costs


def _figures() -> float:
    """Make the figures of the dashboard until every day is counted; return the seconds of one round more."""
    from moderation.worker import figures

    for _ in range(2 + figures.DAYS // figures.AT_ONCE):
        start = time.perf_counter()
        figures.refresh()
    return time.perf_counter() - start


def _batches(site: Site, texts: Sequence[str], repeats: int) -> dict[str, Cost]:
    """The database's part of a worker's batch, with a scorer that takes no time."""
    from moderation.screening.claim import Claim, claim
    from moderation.screening.store import store
    from moderation.versions import store as model_store
    from moderation.worker.drain import drain

    version = model_store.active_version()
    claims: list[Claim] = []

    def offer() -> None:
        site.fill([texts[number % len(texts)] for number in range(BATCH)])
        site.let_claim()

    def claim_one() -> None:
        claims.append(claim(BATCH))

    def store_one() -> None:
        batch = claims.pop()
        assert store(batch, _scores(batch.screenings), version).verdicts.get("held") == BATCH // 16

    def drain_one() -> None:
        assert drain(load=lambda version: _score_texts, batches=1).scored == BATCH

    found = {
        f"claim {BATCH}": _cost(claim_one, repeats, before=offer),
        f"store {BATCH}": _cost(store_one, repeats),
    }
    found[f"a whole batch of {BATCH}"] = _cost(drain_one, repeats, before=offer)
    return found


def _scores(rows: Sequence[Any]) -> list[dict[str, float]]:
    return _score_texts([row.text for row in rows])


def _score_texts(texts: Sequence[str]) -> list[dict[str, float]]:
    """Of 16 texts one is held and one is flagged."""
    from benchmarks.million import LABELS

    scores = {0: 0.97, 1: 0.6}
    return [dict.fromkeys(LABELS, scores.get(number % 16, 0.01)) for number in range(len(texts))]


def _pages(client: Any, repeats: int) -> dict[str, Cost]:
    from datetime import timedelta

    from django.utils import timezone

    from moderation.models import Screening

    hour = (timezone.now() - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%SZ")
    item = Screening.objects.open().values_list("pk", flat=True)[0]
    found = {}
    for name, address in PAGES.items():
        url = address.format(hour=hour, item=item)

        def look(url: str = url) -> None:
            response = client.get(url)
            assert response.status_code == 200, f"{url}: {response.status_code}"

        found[f"queue: {name}"] = _cost(look, repeats)
    return found


def _moderator() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("moderator"))
    return client


def _cost(action: Callable[[], None], repeats: int, before: Callable[[], None] = lambda: None) -> Cost:
    """Of doing it several times, each after `before`, which is not timed."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    times, in_queries, queries = [], [], 0
    for _ in range(repeats):
        before()
        start = time.perf_counter()
        with CaptureQueriesContext(connection) as captured:
            action()
        times.append(1000 * (time.perf_counter() - start))
        in_queries.append(1000 * sum(float(query["time"]) for query in captured.captured_queries))
        queries = max(queries, len(captured))
    return Cost(statistics.median(times), statistics.median(in_queries), queries)


def _report(costs: Costs, sizes: Sequence[int]) -> dict[str, Any]:
    smallest, largest = costs.found[sizes[0]], costs.found[sizes[-1]]
    things = {}
    for name in largest:
        things[name] = {
            "milliseconds": {str(size): costs.found[size][name].milliseconds for size in sizes},
            "queries": {str(size): costs.found[size][name].queries for size in sizes},
            "in_queries": largest[name].in_queries,
            "growth": largest[name].milliseconds / smallest[name].milliseconds,
        }
    return {
        "things": things,
        "missed": [name for name, cost in largest.items() if cost.milliseconds > AIM],
        "more_queries": [
            name for name, cost in largest.items() if cost.queries > max(1, smallest[name].queries)
        ],
        "bytes_each": {str(size): value for size, value in costs.bytes_each.items()},
        "tables": costs.tables,
        "figures_seconds": {str(size): seconds for size, seconds in costs.figures_seconds.items()},
    }


def _show(report: dict[str, Any], sizes: Sequence[int]) -> None:
    rows = []
    for name, thing in report["things"].items():
        times = [f"{thing['milliseconds'][str(size)]:.1f}" for size in sizes]
        queries = sorted(set(thing["queries"].values()))
        said = "over" if name in report["missed"] else ""
        database = f"{thing['in_queries']:.1f}"
        row = (name, *times, database, f"{thing['growth']:.1f}", " to ".join(map(str, queries)), said)
        rows.append(row)
    columns = ("", *(f"{size:,}" for size in sizes), "in SQL", "times", "queries", f"{AIM:.0f} ms")
    command_line.print_table("Milliseconds (median) by the number of screenings", columns, rows)
    each = ", ".join(f"{report['bytes_each'][str(size)]:,.0f}" for size in sizes)
    tables = ", ".join(f"{name.removeprefix('moderation_')} {n:.0f}" for name, n in report["tables"].items())
    print(f"Bytes per screening with all that belongs to it and its indexes: {each}")
    print(f"At the largest size by table: {tables}")
    seconds = ", ".join(f"{report['figures_seconds'][str(size)]:.1f}" for size in sizes)
    print(f"Seconds in which a worker makes the dashboard's figures: {seconds}")
    missed = ", ".join(report["missed"]) or "nothing"
    print(f"Over {AIM:.0f} ms at the largest size: {missed}.")
    print(f"More queries than at the smallest: {', '.join(report['more_queries']) or 'nothing'}.")
    print(f"{command_line.described('comments', report)}; {report['repeats']} times each")
    command_line.print_machine(report)


if __name__ == "__main__":
    sys.exit(main())
