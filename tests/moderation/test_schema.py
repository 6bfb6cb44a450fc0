"""Migrations that a table with millions of rows can take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder

from moderation.db import migration_operations as migration_operations
from moderation.models import Screening
from tests.conftest import uses_postgresql
from tests.forum.models import Letter
from tests.moderation.migrating import RECORD, interrupted_before, migrate

pytestmark = pytest.mark.django_db(transaction=True)
INDEX = "moderation_to_blank"


RENAME = 'ALTER TABLE "new__moderation_screening"'
"""SQLite makes a table anew, drops the old one and renames the new one: before this there is none."""


def indexes() -> dict[str, Any]:
    """{name: what the database tells of it}, constraints among them."""
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, Screening._meta.db_table)


@pytest.fixture(autouse=True)
def back_again() -> object:
    yield
    migrate()


def test_the_index_of_retention_is_built_beside_those_who_write() -> None:
    Letter.objects.create(text="hello")
    assert INDEX in indexes()
    migrate("0002")
    assert INDEX not in indexes()
    taken = migrate("0003")
    assert INDEX in indexes()
    assert ("CREATE INDEX CONCURRENTLY" in taken) is uses_postgresql()


def test_an_index_of_that_name_is_built_anew() -> None:
    """An interruption leaves one, and where CREATE INDEX CONCURRENTLY was ended, PostgreSQL never uses it."""
    migrate("0002")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {INDEX} ON moderation_screening (id)")
    migrate("0003")
    assert indexes()[INDEX]["columns"] == ["content_type_id", "created"]


def test_the_columns_are_added_without_writing_a_row_anew() -> None:
    Letter.objects.create(text="hello")
    migrate("0001")
    taken = migrate("0002")
    assert 'UPDATE "moderation_screening"' not in taken
    assert 'CREATE TABLE "new__' not in taken  # how SQLite makes a table anew
    assert Screening.objects.values_list("text", flat=True).get() == "hello"


@pytest.mark.parametrize(
    ("before", "migration", "statement", "nth"),
    [
        ("0002", "0003", RECORD, 1),
        pytest.param("0004", "0005", RECORD if uses_postgresql() else RENAME, 1, id="0005"),
        ("0005", "0006", "CREATE INDEX", 2),
        ("0005", "0006", RECORD, 1),
        pytest.param("0006", "0007", "DROP INDEX" if uses_postgresql() else RENAME, 2, id="0007"),
    ],
)
def test_a_migration_that_was_interrupted_is_run_again(
    before: str, migration: str, statement: str, nth: int
) -> None:
    Letter.objects.create(text="hello")
    whole = indexes()
    migrate(before)
    with interrupted_before(statement, nth):
        migrate(migration)
    migrate(migration)
    migrate()
    assert indexes() == whole
    assert Screening.objects.values_list("text", flat=True).get() == "hello"


def test_going_back_over_indexes_can_be_interrupted_too() -> None:
    migrate("0006")
    with interrupted_before("DROP INDEX", 3):
        migrate("0005")
    migrate("0005")
    assert "moderation_open" not in indexes()


@pytest.mark.skipif(
    not uses_postgresql(), reason="SQLite makes tables anew; TEST_DATABASE=postgresql runs this"
)
def test_postgresql_makes_no_table_anew_and_drops_what_is_superseded() -> None:
    def file() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_filenode('moderation_screening')")
            return str(cursor.fetchone())

    Letter.objects.create(text="hello")
    migrate("0001")
    before, old = file(), set(indexes())
    migrate()
    assert file() == before
    gone = old - set(indexes())
    assert len(gone) == 4  # the old queue's, the lease's, and the text key's with the one for LIKE
    assert "moderation_open_queue" in gone


@pytest.mark.regression("M16")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite has one writer; TEST_DATABASE=postgresql runs this")
@pytest.mark.parametrize(("before", "to"), [("0006", "0007"), ("0004", "0005"), ("0005", "0004")])
def test_no_save_waits_for_a_migration_that_waits_for_a_reader(before: str, to: str) -> None:
    """As while a pg_dump runs."""
    Letter.objects.create(text="hello")
    migrate(before)
    tries = threading.Semaphore(0)

    def pause(seconds: float) -> None:
        tries.release()
        time.sleep(seconds / 10)

    def run() -> None:
        try:
            migrate(to)
        finally:
            connections.close_all()

    with pytest.MonkeyPatch.context() as patch, reading(Screening._meta.db_table):
        patch.setattr(migration_operations, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
        migration = threading.Thread(target=run)
        migration.start()
        assert tries.acquire(timeout=60)  # it wanted the lock, and let go of it
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '10s'")  # a save that queues behind the migration fails
            for _ in range(5):
                cursor.execute(SAVE)
                assert tries.acquire(timeout=60)
            cursor.execute("SET lock_timeout = 0")
        assert migration.is_alive()
    migration.join(60)
    assert not migration.is_alive()
    assert applied()[-1].startswith(to)


SAVE = "UPDATE moderation_screening SET priority = priority"


def applied() -> list[str]:
    """Our migrations that the database has, in their order."""
    done = MigrationRecorder(connection).applied_migrations()
    return sorted(name for app, name in done if app == "moderation")


@contextmanager
def reading(table: str) -> Iterator[None]:
    """While this lasts, another connection holds a snapshot in which it has read the table."""
    has_read, may_end = threading.Event(), threading.Event()

    def read() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - a name of ours
                has_read.set()
                may_end.wait(300)
        finally:
            connections.close_all()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        assert has_read.wait(60)
        yield
    finally:
        may_end.set()
        thread.join(60)
