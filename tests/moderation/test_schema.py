"""Migrations that a table with millions of rows can take."""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections, migrations, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from moderation import schema as migration_operations
from moderation.models import Screening
from tests.conftest import uses_postgresql
from tests.forum.models import Letter
from tests.moderation.conftest import locked_by_somebody, make_version
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


@pytest.mark.regression("M16")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.parametrize("migration", ["0008_labels_of_verdicts", "0011_places_of_audit_items"])
def test_no_save_waits_for_a_migration_of_rows_of_which_one_is_being_changed(migration: str) -> None:
    """An UPDATE of many rows would keep the first ones locked while it waits for the last one."""
    version = make_version("1", is_active=True)
    for _ in range(3):
        Letter.objects.create(text="hello")
    if migration.startswith("0008"):
        rows = Screening.objects.filter(status="pending")
        rows.update(status="done", verdict="flagged")
        for row in Screening.objects.all():
            scoring = row.scorings.create(model_version=version, is_basis=True, scores={})
            scoring.label_scores.create(label="toxic", score=0.9)
    else:
        Screening.objects.update(status="done", verdict="clear", queued_for="audit", severity=-0.4)
        Letter.objects.create(text="flagged")
        flagged = Screening.objects.filter(status="pending")  # all audit items get the place of this one
        flagged.update(status="done", verdict="flagged", queued_for="flagged", severity=0.1)
    module = importlib.import_module(f"moderation.migrations.{migration}")
    change = module.Migration.operations[0].code
    waits = threading.Event()
    steps = SimpleNamespace(sleep=lambda _: (waits.set(), time.sleep(0.01)), monotonic=time.monotonic)

    def run() -> None:
        try:
            change(apps, SimpleNamespace(connection=connection))
        finally:
            connections.close_all()

    changed = Screening.objects.exclude(queued_for="flagged").order_by("pk")
    first, last = changed[0].pk, changed[2].pk
    thread = threading.Thread(target=run)
    with pytest.MonkeyPatch.context() as patch, locked_by_somebody(Screening.objects.filter(pk=last)):
        patch.setattr(migration_operations, "time", steps)
        thread.start()
        assert waits.wait(30)  # it came to the row that is being changed
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10s'")  # a save that has to wait fails
            Screening.objects.filter(pk=first).update(priority=0)
    thread.join(60)
    assert not thread.is_alive()
    assert not Screening.objects.filter(severity__lt=0).exists()
    assert Screening.objects.filter(pk=last).exclude(labels="").exists() is migration.startswith("0008")


@pytest.mark.regression("M16")
def test_each_migration_after_the_first_goes_beside_writers() -> None:
    """One step that needs the table for itself in a transaction: the next would keep writers waiting."""
    loaded = MigrationLoader(connection).disk_migrations
    for (app, name), migration in loaded.items():
        if app != "moderation":
            continue
        kinds = [type(operation) for operation in migration.operations]
        harmless = (migrations.CreateModel, migrations.AlterModelOptions)
        touching = [kind for kind in kinds if not issubclass(kind, harmless)]
        if migration.atomic:
            assert touching in ([], [migration_operations.BesideWriters]), name
        else:
            allowed = {migration_operations.AddIndexBesideWriters, migrations.RunPython}
            assert set(kinds) <= allowed, name


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
