"""What each migration of the app costs a site that goes on, beside a reader and a writer, at a million rows.

PostgreSQL is migrated one step at a time. Before the first change of the table of screenings it is filled; in
each step one connection holds a snapshot in which it has read that table for some seconds, again and again,
as a pg_dump does, and another one writes a row of it every few milliseconds, as saves do. The baseline is the
writer without a migration, in the same run.

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
TABLE = "moderation_screening"


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

        django.setup()
        steps = _measured(args)
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


def _measured(args: argparse.Namespace) -> list[Step]:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    names = sorted(name for app, name in MigrationLoader(connection).disk_migrations if app == "moderation")
    call_command("migrate", "contenttypes", verbosity=0)
    call_command("migrate", "auth", verbosity=0)
    call_command("migrate", "moderation", names[0], verbosity=0)
    _fill(args.rows)
    with _beside(args.reader_seconds) as waits:
        time.sleep(2 * args.reader_seconds)
    steps = [Step(BASELINE, 2.0 * args.reader_seconds, waits)]
    for name in names[1:]:
        with _beside(args.reader_seconds) as waits:
            start = time.monotonic()
            call_command("migrate", "moderation", name, verbosity=0)
            seconds = time.monotonic() - start
        steps.append(Step(name, seconds, waits))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return steps


def _fill(rows: int) -> None:
    """Decided, flagged and clear texts, with no column but those that the first migration has."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {TABLE} (source, object_id, field, text, text_key, author_key, is_current, created,
                status, priority, attempts, deaths, error_code, verdict, severity, outcome, queued_for,
                action_pending, hidden_by_us, scored)
            SELECT 'import', '', '', 'text ' || number, md5(number::text), (number %% 20000)::text, true,
                now() - make_interval(secs => 60 * (%s - number)), 'done', 0, 0, 0, '',
                CASE WHEN number %% 7 = 0 THEN 'flagged' ELSE 'clear' END, random() - 0.5,
                CASE WHEN number %% 14 = 0 THEN 'hide' ELSE '' END,
                CASE WHEN number %% 7 = 0 THEN 'flagged' ELSE '' END, false, false, now()
            FROM generate_series(1, %s) AS number
            """,  # noqa: S608 - a name of ours
            [rows, rows],
        )
        cursor.execute("VACUUM (ANALYZE)")


@contextmanager
def _beside(reader_seconds: float) -> Iterator[list[float]]:
    """A reader and a writer on connections of their own; yields the seconds that each write takes."""
    waits: list[float] = []
    is_over, is_writing = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=_read, args=(reader_seconds, is_over)),
        threading.Thread(target=_write, args=(waits, is_writing, is_over)),
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


def _read(seconds: float, is_over: threading.Event) -> None:
    from django.db import connections, transaction

    try:
        while not is_over.is_set():
            with transaction.atomic(), connections["default"].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute(f"SELECT id FROM {TABLE} LIMIT 1")  # noqa: S608
                is_over.wait(seconds)
    finally:
        connections.close_all()


def _write(waits: list[float], is_writing: threading.Event, is_over: threading.Event) -> None:
    from django.db import connections

    try:
        with connections["default"].cursor() as cursor:
            while not is_over.is_set():
                start = time.monotonic()
                cursor.execute(f"UPDATE {TABLE} SET priority = 1 - priority WHERE id = 1")  # noqa: S608
                waits.append(time.monotonic() - start)
                is_writing.set()
                time.sleep(PAUSE)
    finally:
        connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
