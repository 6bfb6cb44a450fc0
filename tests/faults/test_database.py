"""PostgreSQL that restarts, or loses a process, while workers run and comments are saved."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import Error as DatabaseError
from django.db import connection, connections

from moderation.models import Screening
from tests.faults.accounting import FRIENDLY, LONG, TOXIC, Books
from tests.faults.workers import Workers
from tests.forum.models import Letter, Note, Post
from tests.servers import PostgresServer

WORKER = {"LEASE_SECONDS": 600, "COMPARE_HOURS": 0}
"""A lease longer than any restart: then nothing that a worker holds is lost to it. And the comparison that a
site has once a day with every sweep: it finds those lost promises whose keys are no numbers."""


def test_postgresql_restarted_under_load_loses_no_comment(
    postgres: PostgresServer, workers: Workers, books: Books
) -> None:
    def restart() -> None:
        postgres.stop()
        postgres.start()

    _under_load(restart, workers, books)


def test_postgresql_that_loses_a_process_loses_no_comment(
    postgres: PostgresServer, workers: Workers, books: Books
) -> None:
    """The server then ends every connection, and recovers from its log."""

    def kill_a_backend() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                "AND pid <> pg_backend_pid() AND datname = current_database() ORDER BY state LIMIT 1"
            )
            (pid,) = cursor.fetchone()
        os.kill(pid, signal.SIGKILL)
        # It takes the server a moment to notice, in which it lets new connections in that it ends, too.
        workers.wait_for(lambda: not _answers(), "PostgreSQL to end every connection", pause=0.01)

    _under_load(kill_a_backend, workers, books)


def _under_load(trouble: Callable[[], None], workers: Workers, books: Books) -> None:
    workers.start("threads", moderation=WORKER)
    workers.start("solo", moderation=WORKER)
    for _ in range(20):
        books.comment(Letter, LONG)
    with _saving(books) as saved:
        for _ in range(2):
            workers.wait_for_claim()
            before = saved["accepted"]
            trouble()
            connection.close()
            workers.wait_for(_answers, "PostgreSQL to be back")
            workers.wait_for(lambda before=before: saved["accepted"] > before + 5, "saves to go on")  # type: ignore[misc]
    books.notes.append(f"{saved['accepted']} saved, {saved['refused']} refused by the database under load")
    books.close()
    assert set(Screening.objects.values_list("attempts", "deaths")) == {(0, 0)}


@contextmanager
def _saving(books: Books) -> Iterator[dict[str, int]]:
    """Save comments on a thread, as a busy site does; how many the database took and refused."""
    counts = {"accepted": 0, "refused": 0}
    is_enough = threading.Event()

    def save() -> None:
        kinds = ((Post, FRIENDLY), (Note, TOXIC), (Letter, LONG))
        while not is_enough.is_set():
            model, text = kinds[sum(counts.values()) % len(kinds)]
            try:
                books.comment(model, text)
                counts["accepted"] += 1
            except (
                DatabaseError
            ):  # the site's own row: its visitor sees an error, and so moderation owes nothing
                counts["refused"] += 1
                connections.close_all()
            time.sleep(0.02)
        connections.close_all()

    thread = threading.Thread(target=save, daemon=True)
    thread.start()
    try:
        yield counts
    finally:
        is_enough.set()
        thread.join()


def _answers() -> bool:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return True
    except DatabaseError:
        connection.close()
        return False
