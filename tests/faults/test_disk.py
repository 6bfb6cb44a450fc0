"""A disk that is full when a worker stores what it scored: nothing is lost, nothing is blamed on a text."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.db import connection

from moderation.models import Screening
from moderation.screening.receivers import losses
from tests.conftest import uses_postgresql
from tests.faults import small_disk
from tests.faults.accounting import LONG, TOXIC, Books
from tests.faults.small_disk import SmallDisk
from tests.faults.workers import TAKING_TIME, Workers
from tests.forum.models import Letter, Note, Post

COMPARING = {"COMPARE_HOURS": 0}
"""A site's daily comparison, with every sweep: it finds lost promises of keys without order."""


@pytest.fixture
def disk(transactional_db: None, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    """Moderation's tables are on it (on SQLite: everything is)."""
    # PostgreSQL's own user must get there, too, and pytest's folders are private.
    path = tmp_path / "disk"
    if uses_postgresql():
        server = request.getfixturevalue("postgres_server")
        with small_disk.mounted(server.directory / "disk") as made, small_disk.tables_moved_to(made, server):
            yield made
        (server.directory / "disk").rmdir()
    else:
        with small_disk.mounted(path) as made, small_disk.sqlite_moved_to(made):
            yield made


def test_a_full_disk_loses_nothing_and_fails_no_text(disk: SmallDisk, workers: Workers, books: Books) -> None:
    for number in range(40):
        books.comment(Letter, TOXIC if number % 8 == 0 else LONG)
    worker = workers.start(moderation=COMPARING, environment=TAKING_TIME)
    assert workers.freeze_while_scoring(worker)
    disk.fill()
    workers.thaw(worker)
    workers.wait_for_line("Storing a batch failed")
    before = losses()
    refused = sum(_is_refused(books, model) for model in (Post, Note, Letter) for _ in range(10))
    assert refused or losses() > before
    books.notes.append(f"{refused} of 30 saves refused with the disk full")
    _wait_for_more_failures(workers)
    disk.make_room()
    books.close()
    assert set(Screening.objects.values_list("attempts", "deaths")) == {(0, 0)}


@pytest.mark.skipif(uses_postgresql(), reason="A worker of PostgreSQL writes no files; a small disk does it")
def test_a_worker_that_may_not_write_loses_nothing_and_fails_no_text(workers: Workers, books: Books) -> None:
    """The same without root: the kernel refuses the worker every write beyond 64 KiB of a file."""
    for number in range(40):
        books.comment(Letter, TOXIC if number % 8 == 0 else LONG)
    worker = workers.start(environment=TAKING_TIME)
    held = workers.freeze_while_scoring(worker)
    assert held
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    limits = resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    workers.thaw(worker)
    workers.wait_for_line("Storing a batch failed")
    _wait_for_more_failures(workers)
    resource.prlimit(worker.process.pid, resource.RLIMIT_FSIZE, limits)
    books.close()
    assert set(Screening.objects.values_list("attempts", "deaths")) == {(0, 0)}


def _wait_for_more_failures(workers: Workers) -> None:
    """Until it has tried again and again, each time unable even to give back what it held."""
    kinds = ("Storing a batch failed", "A sweep failed")
    workers.wait_for(lambda: sum(workers.log().count(kind) for kind in kinds) >= 8, "some more failures")


def _is_refused(books: Books, model: Any) -> bool:
    """Whether the site could not save: then its visitor was told so, and moderation owes nothing."""
    try:
        books.comment(model, TOXIC if model is Note else LONG)
        return False
    except DatabaseError:
        return True
