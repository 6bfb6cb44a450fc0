"""What a million screenings cost: claims, stores and the moderators' pages, at several sizes of the database.

PostgreSQL is filled by set-based SQL (benchmarks/million.py) to each size in turn. There, the database work
of a worker's batch of 32 and every page of the queue through Django's test client, logged in as a moderator,
are done several times: median milliseconds, and how many queries. At the largest size, beside the clock on
the wall: milliseconds in SQL, and of processors, the site's and the database's, which tell more on a busy
machine. The smallest size is the baseline: a column says how many times as long it takes at the largest.

    python benchmarks/scale.py [--sizes 10000 100000 1000000] [--data FILE] [--json]
"""

from __future__ import annotations

import argparse
import re
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
MORE_QUERIES = 16
"""More queries than this at the largest size are noted. A page that was empty at the smallest asks up to so
many once it has items, whatever their number; one query for each of its 20 items would be more."""
BATCH = 32
TEXTS = 2000
QUEUE = "/admin/moderation/screening/"
PAGES_ON = 1000
"""So many pages of 20 before the one that is far down a list."""
PAGES = {
    "open, worst first": QUEUE,
    "open, oldest first": f"{QUEUE}?o=oldest",
    "open, newest first": f"{QUEUE}?o=newest",
    "open, page 1,000": f"{QUEUE}?after={{open_1000}}",
    "open, the page before": f"{QUEUE}?before={{open_1000}}",
    "open, newest, page 1,000": f"{QUEUE}?o=newest&after={{newest_1000}}",
    "held": f"{QUEUE}?state=held",
    "held, oldest first": f"{QUEUE}?state=held&o=oldest",
    "flagged": f"{QUEUE}?state=flagged",
    "flagged, newest first": f"{QUEUE}?state=flagged&o=newest",
    "edited": f"{QUEUE}?state=edited",
    "failed": f"{QUEUE}?state=failed",
    "reported": f"{QUEUE}?state=reported",
    "suggested": f"{QUEUE}?state=suggested",
    "mine": f"{QUEUE}?state=mine",
    "decided": f"{QUEUE}?state=decided",
    "decided, oldest first": f"{QUEUE}?state=decided&o=oldest",
    "decided, page 1,000": f"{QUEUE}?state=decided&after={{decided_1000}}",
    "everything": f"{QUEUE}?state=all",
    "everything, page 1,000": f"{QUEUE}?state=all&after={{all_1000}}",
    "open, label insult": f"{QUEUE}?label=insult",
    "open, label threat": f"{QUEUE}?label=threat",
    "open, verdict held": f"{QUEUE}?verdict__exact=held",
    "open, score": f"{QUEUE}?label=toxic&score_from=0.55&score_to=0.6",
    "open, language fr": f"{QUEUE}?language=fr",
    "open, older version": f"{QUEUE}?version={{older}}",
    "open, author": f"{QUEUE}?author=author+77",
    "open, page": f"{QUEUE}?page=articles.article:77",
    "open, a day": f"{QUEUE}?created_from={{day}}&created_until={{day}}",
    "decided, label threat": f"{QUEUE}?state=decided&label=threat",
    "decided by one who left": f"{QUEUE}?state=decided&reviewer=moderator+who+left",
    "decided by one of seven": f"{QUEUE}?state=decided&reviewer=moderator+3",
    "decided, false positive": f"{QUEUE}?state=decided&decision=false_positive",
    "decided, reason illegal": f"{QUEUE}?state=decided&reason=illegal",
    "decided, a day": f"{QUEUE}?state=decided&created_from={{day}}&created_until={{day}}",
    "everything, label threat": f"{QUEUE}?state=all&label=threat",
    "everything, verdict held": f"{QUEUE}?state=all&verdict__exact=held",
    "everything, score": f"{QUEUE}?state=all&label=threat&score_from=0.5&score_to=0.6",
    "everything, rare score": f"{QUEUE}?state=all&label=toxic&score_from=0.959",
    "everything, language de": f"{QUEUE}?state=all&language=de",
    "everything, language fr": f"{QUEUE}?state=all&language=fr",
    "everything, version": f"{QUEUE}?state=all&version={{version}}",
    "everything, older version": f"{QUEUE}?state=all&version={{older}}",
    "everything, author": f"{QUEUE}?state=all&author=author+77",
    "everything, page": f"{QUEUE}?state=all&page=articles.article:77",
    "everything, a day": f"{QUEUE}?state=all&created_from={{day}}&created_until={{day}}",
    "everything, a year ago": f"{QUEUE}?state=all&created_until={{year}}",
    "everything of an hour": f"{QUEUE}?state=all&created__gte={{hour}}",
    "search: words, open": f"{QUEUE}?q={{rare}}",
    "search: a common word, open": f"{QUEUE}?q={{common}}",
    "search: words": f"{QUEUE}?state=all&q={{rare}}",
    "search: a common word": f"{QUEUE}?state=all&q={{common}}",
    "search: no such word": f"{QUEUE}?state=all&q=nobodywritesthis",
    "search: an author": f"{QUEUE}?state=all&q=author:7919",
    "search: an object": f"{QUEUE}?state=all&q=id:1000000007",
    "search: a number": f"{QUEUE}?state=all&q=7919",
    "one item": f"{QUEUE}{{item}}/change/",
    "reviews": "/admin/moderation/review/",
    "reviews by one who left": "/admin/moderation/review/?q=moderator+who+left",
    "audit trail": "/admin/moderation/auditentry/",
    "dashboard, 7 days": "/admin/moderation/storedfigures/?days=7",
    "dashboard, 90 days": "/admin/moderation/storedfigures/?days=90",
}


@dataclass
class Cost:
    """What one thing costs at one size."""

    milliseconds: float
    """Median, by the clock on the wall."""
    in_queries: float
    """Of these, median milliseconds from sending a query to its answer."""
    processor: float
    """Median milliseconds of processor that this process used, whatever else the machine did."""
    database_processor: float | None
    """The same of the database's process; None where the system does not tell. Its helpers are not in it."""
    queries: int
    """The most that were seen."""


@dataclass
class Queries:
    """Counts and times a connection's queries, wrapped around each; Django's own log is bounded."""

    seconds: float = 0.0
    count: int = 0

    def __call__(self, execute: Any, sql: Any, parameters: Any, many: bool, context: Any) -> Any:
        self.count += 1
        start = time.perf_counter()
        try:
            return execute(sql, parameters, many, context)
        finally:
            self.seconds += time.perf_counter() - start


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
    indexes: dict[str, float] = field(default_factory=dict)
    """The same by index of the queue's lists."""


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
    version, older = _versions(model_store.active_version())
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
            older=older,
        )
        size = wanted
        command_line.progress(f"{size} screenings")
        sizes_in_bytes = million.bytes_by_table()
        costs.tables = {name: value / size for name, value in sizes_in_bytes.items()}
        costs.bytes_each[size] = sum(costs.tables.values())
        costs.figures_seconds[size] = _figures()
        indexes = million.bytes_by_index()
        costs.indexes = {name: value / size for name, value in indexes.items()}
        places = {**_places(texts), "version": version, "older": older}
        costs.found[size] = {**_batches(site, texts, repeats), **_pages(client, repeats, places)}
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


def _versions(active: Any) -> tuple[int, int]:
    """Return the ids of the active version and of one that scored before it."""
    from moderation.models import ModelVersion

    values = {name: getattr(active, name) for name in ("name", "location", "labels", "thresholds")}
    older = ModelVersion.objects.create(version="older", manifest_sha256="0" * 64, **values)
    return active.pk, older.pk


def _places(texts: Sequence[str]) -> dict[str, Any]:
    """Return what the addresses of PAGES name: rows before page 1,000, days, words."""
    from collections import Counter
    from datetime import timedelta

    from django.utils import timezone

    from moderation.models import Screening

    def twenty_thousandth(rows: Any) -> int:
        last = min(PAGES_ON * 20, rows.count()) - 21
        return int(rows.values_list("pk", flat=True)[max(0, last)])

    words = Counter(word for text in texts for word in set(re.findall(r"[a-z]{4,}", text.lower())))
    by_frequency = [word for word, _ in words.most_common()]
    now, is_open = timezone.now(), Screening.objects.open()
    return {
        "hour": (now - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%SZ"),
        "day": (now - timedelta(days=2)).date(),
        "year": (now - timedelta(days=365)).date(),
        "item": is_open.values_list("pk", flat=True)[0],
        "open_1000": twenty_thousandth(is_open),
        "newest_1000": twenty_thousandth(is_open.order_by("-id")),
        "decided_1000": twenty_thousandth(Screening.objects.decided().order_by("-reviewed", "-id")),
        "all_1000": twenty_thousandth(Screening.objects.order_by("-id")),
        "common": by_frequency[0],
        "rare": by_frequency[-1],
    }


def _pages(client: Any, repeats: int, places: dict[str, Any]) -> dict[str, Cost]:
    found = {}
    for name, address in PAGES.items():
        url = address.format(**places)

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

    times, in_queries, processor, database, most = [], [], [], [], 0
    for _ in range(repeats):
        before()
        queries, database_start = Queries(), _database_milliseconds()
        start, processor_start = time.perf_counter(), time.process_time()
        with connection.execute_wrapper(queries):
            action()
        times.append(1000 * (time.perf_counter() - start))
        processor.append(1000 * (time.process_time() - processor_start))
        in_queries.append(1000 * queries.seconds)
        if database_start is not None:
            database.append((_database_milliseconds() or 0) - database_start)
        most = max(most, queries.count)
    return Cost(
        milliseconds=statistics.median(times),
        in_queries=statistics.median(in_queries),
        processor=statistics.median(processor),
        database_processor=statistics.median(database) if database else None,
        queries=most,
    )


def _database_milliseconds() -> float | None:
    """Return how long the connection's own process has run on a processor; None where Linux does not tell."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (process,) = cursor.fetchone()
    try:
        spent = Path(f"/proc/{process}/schedstat").read_text()
    except OSError:
        return None
    return float(spent.split()[0]) / 1e6


def _report(costs: Costs, sizes: Sequence[int]) -> dict[str, Any]:
    smallest, largest = costs.found[sizes[0]], costs.found[sizes[-1]]
    things = {}
    for name in largest:
        things[name] = {
            "milliseconds": {str(size): costs.found[size][name].milliseconds for size in sizes},
            "queries": {str(size): costs.found[size][name].queries for size in sizes},
            "in_queries": largest[name].in_queries,
            "processor": largest[name].processor,
            "database_processor": largest[name].database_processor,
            "growth": largest[name].milliseconds / smallest[name].milliseconds,
        }
    return {
        "things": things,
        "missed": [name for name, cost in largest.items() if cost.milliseconds > AIM],
        "more_queries": [
            name for name, cost in largest.items() if cost.queries > smallest[name].queries + MORE_QUERIES
        ],
        "bytes_each": {str(size): value for size, value in costs.bytes_each.items()},
        "tables": costs.tables,
        "figures_seconds": {str(size): seconds for size, seconds in costs.figures_seconds.items()},
        "indexes": costs.indexes,
    }


def _show(report: dict[str, Any], sizes: Sequence[int]) -> None:
    rows = []
    for name, thing in report["things"].items():
        times = [f"{thing['milliseconds'][str(size)]:.1f}" for size in sizes]
        queries = sorted(set(thing["queries"].values()))
        said = "over" if name in report["missed"] else ""
        in_each = [thing[part] for part in ("in_queries", "processor", "database_processor")]
        parts = ["" if value is None else f"{value:.1f}" for value in in_each]
        row = (name, *times, *parts, f"{thing['growth']:.1f}", " to ".join(map(str, queries)), said)
        rows.append(row)
    of_the_largest = ("in SQL", "processor", "of database")
    columns = ("", *(f"{size:,}" for size in sizes), *of_the_largest, "times", "queries", f"{AIM:.0f} ms")
    command_line.print_table("Milliseconds (median) by the number of screenings", columns, rows)
    each = ", ".join(f"{report['bytes_each'][str(size)]:,.0f}" for size in sizes)
    tables = ", ".join(f"{name.removeprefix('moderation_')} {n:.0f}" for name, n in report["tables"].items())
    print(f"Bytes per screening with all that belongs to it and its indexes: {each}")
    print(f"At the largest size by table: {tables}")
    seconds = ", ".join(f"{report['figures_seconds'][str(size)]:.1f}" for size in sizes)
    print(f"Seconds in which a worker makes the dashboard's figures: {seconds}")
    indexes = ", ".join(
        f"{name.removeprefix('moderation_')} {n:.1f}" for name, n in report["indexes"].items()
    )
    print(f"Of these, indexes of the queue's lists, filters and search: {indexes}")
    missed = ", ".join(report["missed"]) or "nothing"
    print(f"Over {AIM:.0f} ms at the largest size: {missed}.")
    print(f"Many more queries than at the smallest: {', '.join(report['more_queries']) or 'nothing'}.")
    print(f"{command_line.described('comments', report)}; {report['repeats']} times each")
    command_line.print_machine(report)


if __name__ == "__main__":
    sys.exit(main())
