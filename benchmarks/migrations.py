"""What migrations cost a site that goes on, beside a reader and a writer, at a million rows.

Two apps are migrated on PostgreSQL, one step at a time: `moderation`, and `tests.upgrades`, which has an
example of each kind of step that later migrations of `moderation` may take. After its first migration the
app's table is filled. In each later step one connection holds a snapshot in which it has read that table for
some seconds, again and again, as a pg_dump does, and another one writes a row of it every few milliseconds,
as saves do. The baseline of each app is the writer without a migration, in the same run.

    python benchmarks/migrations.py [--rows 1000000] [--reader-seconds 5] [--json]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from benchmarks.command_line import positive
from tests.servers import PostgresServer

PAUSE = 0.01
BASELINE = "no migration"
SCREENINGS = """
INSERT INTO moderation_screening (source, object_id, field, text, text_key, author_key, is_current, created,
    status, priority, attempts, deaths, error_code, verdict, severity, outcome, queued_for,
    action_pending, hidden_by_us, scored)
SELECT 'import', '', '', 'text ' || number, md5(number::text), (number %% 20000)::text, true,
    now() - make_interval(secs => 60 * (%(rows)s - number)), 'done', 0, 0, 0, '',
    CASE WHEN number %% 7 = 0 THEN 'flagged' ELSE 'clear' END,
    CASE WHEN number %% 7 = 0 THEN 0.5 ELSE -0.5 END * random(),
    CASE WHEN number %% 14 = 0 THEN 'hide' ELSE '' END,
    CASE WHEN number %% 7 = 0 THEN 'flagged' WHEN number %% 100 = 1 THEN 'audit' ELSE '' END,
    false, false, now()
FROM generate_series(1, %(rows)s) AS number
"""
ENTRIES = """
INSERT INTO upgrades_entry (text, key, state, severity)
SELECT 'text ' || number, md5(number::text), CASE WHEN number %% 7 = 0 THEN 'flagged' ELSE '' END, random()
FROM generate_series(1, %(rows)s) AS number
"""


@dataclass(frozen=True)
class Subject:
    """An app whose migrations are measured, and the table that they change."""

    app: str
    table: str
    fill: str
    """SQL that fills the table as the app's first migration makes it; its parameter is `rows`."""
    save: str
    """SQL that writes one row as a save does."""


SUBJECTS = (
    Subject(
        "moderation",
        "moderation_screening",
        SCREENINGS,
        "UPDATE moderation_screening SET priority = 1 - priority WHERE id = 1",
    ),
    Subject(
        "upgrades",
        "upgrades_entry",
        ENTRIES,
        "UPDATE upgrades_entry SET severity = 1 - severity WHERE id = 1",
    ),
)


@dataclass
class Step:
    """One migration, in seconds."""

    name: str
    seconds: float
    waits: list[float] = field(default_factory=list, repr=False)
    """Of each write."""

    def report(self) -> dict[str, object]:
        """Figures for a table: medians and maxima in milliseconds."""
        waits = self.waits or [0.0]
        return {
            "migration": self.name,
            "seconds": round(self.seconds, 2),
            "writes": len(self.waits),
            "median write, ms": round(1000 * statistics.median(waits), 2),
            "longest write, ms": round(1000 * max(waits), 1),
        }


def main() -> int:
    """Print a table, or JSON with --json."""
    args = _arguments()
    server = PostgresServer("-c", "shared_buffers=512MB", "-c", "max_wal_size=4GB").start()
    try:
        os.environ.update(
            DATABASE_URL=server.create("migrations"),
            SECRET_KEY="benchmark",  # noqa: S106 - of a database that lives for minutes
            DJANGO_SETTINGS_MODULE="mysite.settings",
        )
        import django
        from django.conf import settings

        settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "tests.upgrades"]
        django.setup()
        steps = [step for subject in SUBJECTS for step in _measured(subject, args)]
        print(file=sys.stderr)
    finally:
        server.close()
    report = {"rows": args.rows, "reader_seconds": args.reader_seconds, **command_line.machine()}
    rows = [step.report() for step in steps]
    if args.json:
        command_line.print_json({**report, "steps": rows})
    else:
        command_line.print_table(
            f"{args.rows:,} rows; a reader that holds its snapshot for {args.reader_seconds} s at a time",
            list(rows[0]),
            [[str(value) for value in row.values()] for row in rows],
        )
    return 0


def _arguments() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--rows", type=positive, default=1_000_000)
    parser.add_argument("--reader-seconds", type=positive, default=5)
    return parser.parse_args()


def _measured(subject: Subject, args: argparse.Namespace) -> list[Step]:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    names = sorted(name for app, name in MigrationLoader(connection).disk_migrations if app == subject.app)
    call_command("migrate", subject.app, names[0], verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute(subject.fill, {"rows": args.rows})
        cursor.execute("VACUUM (ANALYZE)")
    with _beside(subject, args.reader_seconds) as waits:
        time.sleep(2 * args.reader_seconds)
    steps = [Step(f"{subject.app}: {BASELINE}", 2.0 * args.reader_seconds, waits)]
    for name in names[1:]:
        with _beside(subject, args.reader_seconds) as waits:
            start = time.monotonic()
            call_command("migrate", subject.app, name, verbosity=0)
            seconds = time.monotonic() - start
        steps.append(Step(f"{subject.app}.{name}", seconds, waits))
        print(".", end="", file=sys.stderr, flush=True)
    return steps


@contextmanager
def _beside(subject: Subject, reader_seconds: float) -> Iterator[list[float]]:
    """A reader and a writer on connections of their own; yields the seconds that each write takes."""
    waits: list[float] = []
    is_over, is_writing = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=_read, args=(subject.table, reader_seconds, is_over)),
        threading.Thread(target=_write, args=(subject.save, waits, is_writing, is_over)),
    ]
    for thread in threads:
        thread.start()
    is_writing.wait(60)
    try:
        yield waits
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def _read(table: str, seconds: float, is_over: threading.Event) -> None:
    from django.db import connections, transaction

    try:
        while not is_over.is_set():
            with transaction.atomic(), connections["default"].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute(f"SELECT id FROM {table} LIMIT 1")  # noqa: S608 - a name of ours
                is_over.wait(seconds)
    finally:
        connections.close_all()


def _write(save: str, waits: list[float], is_writing: threading.Event, is_over: threading.Event) -> None:
    from django.db import connections

    try:
        with connections["default"].cursor() as cursor:
            while not is_over.is_set():
                start = time.monotonic()
                cursor.execute(save)
                waits.append(time.monotonic() - start)
                is_writing.set()
                time.sleep(PAUSE)
    finally:
        connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
