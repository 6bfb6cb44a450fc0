"""Migrations that a table with millions of rows can take, by the examples of `tests.upgrades`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    OperationalError,
    connection,
    connections,
    migrations,
    models,
    transaction,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration

from moderation.db import migration_operations as migration_operations
from moderation.db.migration_operations import (
    AddIndexBesideWriters,
    BesideWriters,
    ReplaceChecksBesideWriters,
    update_patiently,
)
from moderation.models import Screening
from tests.conftest import uses_postgresql
from tests.moderation.conftest import locked_by_somebody
from tests.moderation.migrating import RECORD, applied, interrupted_before, migrate
from tests.upgrades.models import Entry

pytestmark = pytest.mark.django_db(transaction=True)
APP = "upgrades"
INDEX = "upgrades_to_blank"
ROWS = "0007_labels_of_states"

RENAME = 'ALTER TABLE "new__upgrades_entry"'
"""SQLite makes a table anew, drops the old one and renames the new one: before this there is none."""
SAVE = "UPDATE upgrades_entry SET severity = severity"


def indexes() -> dict[str, Any]:
    """{name: what the database tells of it}, constraints among them."""
    with connection.cursor() as cursor:
        return connection.introspection.get_constraints(cursor, Entry._meta.db_table)


@pytest.fixture(autouse=True)
def back_again() -> object:
    yield
    migrate(APP)


def test_an_index_is_built_beside_those_who_write() -> None:
    Entry.objects.create(text="hello")
    assert INDEX in indexes()
    migrate(APP, "0002")
    assert INDEX not in indexes()
    taken = migrate(APP, "0003")
    assert INDEX in indexes()
    assert ("CREATE INDEX CONCURRENTLY" in taken) is uses_postgresql()


def test_an_index_of_that_name_is_built_anew() -> None:
    """An interruption leaves one, and where CREATE INDEX CONCURRENTLY was ended, PostgreSQL never uses it."""
    migrate(APP, "0002")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {INDEX} ON upgrades_entry (severity)")
    migrate(APP, "0003")
    assert indexes()[INDEX]["columns"] == ["state", "id"]


def test_the_columns_are_added_without_writing_a_row_anew() -> None:
    Entry.objects.create(text="hello")
    migrate(APP, "0001")
    taken = migrate(APP, "0002")
    assert 'ALTER TABLE "upgrades_entry" ADD COLUMN' in taken
    assert 'UPDATE "upgrades_entry"' not in taken
    assert 'CREATE TABLE "new__' not in taken  # how SQLite makes a table anew
    migrate(APP)
    assert Entry.objects.values_list("text", flat=True).get() == "hello"


@pytest.mark.parametrize(
    ("before", "migration", "statement", "nth"),
    [
        ("0002", "0003", RECORD, 1),
        pytest.param("0003", "0004", RECORD if uses_postgresql() else RENAME, 1, id="0004"),
        ("0004", "0005", "CREATE INDEX", 2),
        ("0004", "0005", RECORD, 1),
        pytest.param("0005", "0006", "DROP INDEX" if uses_postgresql() else RENAME, 2, id="0006"),
    ],
)
def test_a_migration_that_was_interrupted_is_run_again(
    before: str, migration: str, statement: str, nth: int
) -> None:
    Entry.objects.create(text="hello")
    whole = indexes()
    migrate(APP, before)
    with interrupted_before(statement, nth):
        migrate(APP, migration)
    migrate(APP, migration)
    migrate(APP)
    assert indexes() == whole
    assert Entry.objects.values_list("text", flat=True).get() == "hello"


def test_going_back_over_indexes_can_be_interrupted_too() -> None:
    migrate(APP, "0005")
    with interrupted_before("DROP INDEX", 3):
        migrate(APP, "0004")
    migrate(APP, "0004")
    assert "upgrades_open" not in indexes()


@pytest.mark.skipif(
    not uses_postgresql(), reason="SQLite makes tables anew; TEST_DATABASE=postgresql runs this"
)
def test_postgresql_makes_no_table_anew_and_drops_what_is_superseded() -> None:
    def file() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_filenode('upgrades_entry')")
            return str(cursor.fetchone())

    Entry.objects.create(text="hello")
    migrate(APP, "0001")
    before, old = file(), set(indexes())
    migrate(APP)
    assert file() == before
    gone = old - set(indexes())
    assert len(gone) == 4  # the old queue's, the token's, and the key's with the one for LIKE
    assert "upgrades_open_queue" in gone


@pytest.mark.regression("M16")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite has one writer; TEST_DATABASE=postgresql runs this")
@pytest.mark.parametrize(("before", "to"), [("0005", "0006"), ("0003", "0004"), ("0004", "0003")])
def test_no_save_waits_for_a_migration_that_waits_for_a_reader(before: str, to: str) -> None:
    """As while a pg_dump runs."""
    Entry.objects.create(text="hello")
    migrate(APP, before)
    tries = threading.Semaphore(0)

    def pause(seconds: float) -> None:
        tries.release()
        time.sleep(seconds / 10)

    def run() -> None:
        try:
            migrate(APP, to)
        finally:
            connections.close_all()

    with pytest.MonkeyPatch.context() as patch, reading(Entry._meta.db_table):
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
    assert applied(APP)[-1].startswith(to)


@pytest.mark.regression("M16")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
def test_no_save_waits_for_a_migration_of_rows_of_which_one_is_being_changed() -> None:
    """An UPDATE of many rows would keep the first ones locked while it waits for the last one."""
    first, _, last = (Entry.objects.create(text="hello", state="flagged") for _ in range(3))
    migrate(APP, "0006")
    waits = threading.Event()
    steps = SimpleNamespace(sleep=lambda _: (waits.set(), time.sleep(0.01)), monotonic=time.monotonic)

    def run() -> None:
        try:
            migrate(APP)
        finally:
            connections.close_all()

    migration = threading.Thread(target=run)
    with pytest.MonkeyPatch.context() as patch, locked_by_somebody(Entry.objects.filter(pk=last.pk)):
        patch.setattr(migration_operations, "time", steps)
        migration.start()
        assert waits.wait(30)  # it came to the row that is being changed
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10s'")  # a save that has to wait fails
            Entry.objects.filter(pk=first.pk).update(severity=0.5)
        assert migration.is_alive()
        migration_still_lacks = Entry.objects.filter(labels="").values_list("pk", flat=True)
        assert list(migration_still_lacks) == [last.pk]
    migration.join(60)
    assert not migration.is_alive()
    assert set(Entry.objects.values_list("labels", flat=True)) == {'["flagged"]'}


@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
def test_a_row_that_is_changed_for_too_long_ends_a_migration_of_rows_and_the_others_stay_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free, busy = (Entry.objects.create(text="hello") for _ in range(2))
    monkeypatch.setattr(migration_operations, "PATIENCE_SECONDS", 0)
    with locked_by_somebody(Entry.objects.filter(pk=busy.pk)), pytest.raises(OperationalError):
        update_patiently(Entry.objects.all(), [free.pk, busy.pk], state="done")
    assert list(Entry.objects.order_by("pk").values_list("state", flat=True)) == ["done", ""]


@pytest.mark.parametrize(("statement", "nth", "written"), [('UPDATE "upgrades_entry"', 2, 1), (RECORD, 1, 3)])
def test_a_migration_of_rows_that_was_interrupted_is_run_again(
    statement: str, nth: int, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for state in ("flagged", "", "held", "flagged"):
        Entry.objects.create(text="hello", state=state)
    migrate(APP, "0006")
    copying = MigrationLoader(connection).get_migration(APP, ROWS).operations[0].code  # type: ignore[attr-defined]
    monkeypatch.setitem(copying.__globals__, "CHUNK", 1)
    with interrupted_before(statement, nth):
        migrate(APP)
    assert Entry.objects.exclude(labels="").count() == written
    assert applied(APP)[-1].startswith("0006")
    migrate(APP)
    labels = Entry.objects.order_by("pk").values_list("labels", flat=True)
    assert list(labels) == ['["flagged"]', "", '["held"]', '["flagged"]']


# --- what every migration is held to ---------------------------------------------------------------


def broken_rules(migration: Migration) -> list[str]:
    """What in a migration would make a site's writers wait, or could not be run again."""
    kinds = {type(operation) for operation in migration.operations}
    if not migration.atomic:
        others = kinds - {AddIndexBesideWriters, ReplaceChecksBesideWriters, migrations.RunPython}
        return [f"{kind.__name__} can't be run again after an interruption" for kind in others]
    harmless = (migrations.CreateModel, migrations.AlterModelOptions)
    touching = [operation for operation in migration.operations if not isinstance(operation, harmless)]
    broken = [
        f"{type(operation).__name__} keeps writers waiting"
        for operation in touching
        if type(operation) is not BesideWriters
    ]
    if len(touching) > 1:
        broken.append("the table stays locked between two operations")
    inner = [part for whole in touching if isinstance(whole, BesideWriters) for part in whole.operations]
    return broken + [f"{part.name} would be written into each row" for part in inner if _is_written(part)]


def _is_written(operation: Any) -> bool:
    """True of a new column that is neither null nor has a constant default of the database's."""
    if not isinstance(operation, migrations.AddField):
        return False
    return not operation.field.null and operation.field.db_default is models.NOT_PROVIDED


def loaded(app: str) -> list[Migration]:
    """The migrations of an app after its first, in their order."""
    of_app = {
        name: one for (label, name), one in MigrationLoader(None).disk_migrations.items() if label == app
    }
    return [of_app[name] for name in sorted(of_app)][1:]


@pytest.mark.regression("M16")
def test_each_migration_after_the_first_goes_beside_writers() -> None:
    later = [*loaded("moderation"), *loaded(APP)]
    assert later[-1].name == ROWS
    assert {one.name: broken_rules(one) for one in later} == {one.name: [] for one in later}


NULL = migrations.AddField("entry", "more", models.TextField(null=True))
FILLED = migrations.AddField("entry", "more", models.TextField(default=""))
BY_KEY = models.Index(fields=["key"], name="upgrades_more")


@pytest.mark.parametrize(
    ("operations", "atomic"),
    [
        ([NULL], True),
        ([BesideWriters(NULL), BesideWriters(NULL)], True),
        ([BesideWriters(FILLED)], True),
        ([migrations.AddIndex("entry", BY_KEY)], True),
        ([AddIndexBesideWriters("entry", BY_KEY)], True),
        ([migrations.RunPython(migrations.RunPython.noop)], True),
        ([BesideWriters(NULL)], False),
        ([migrations.AddIndex("entry", BY_KEY)], False),
    ],
    ids=str,
)
def test_a_migration_that_would_make_writers_wait_is_found(operations: list[Any], atomic: bool) -> None:
    migration = Migration("0008_bad", APP)
    migration.operations, migration.atomic = operations, atomic
    assert broken_rules(migration)


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


# --- checks that are replaced ----------------------------------------------------------------------

BEFORE, REPLACED = "0009_language", "0010_unjudged"


def old_screenings() -> Any:
    """The manager of screenings with the columns that there are before the checks are replaced, and after."""
    state = MigrationExecutor(connection).loader.project_state(("moderation", BEFORE))
    return state.apps.get_model("moderation", "Screening")._base_manager


def refuses(**columns: str) -> bool:
    try:
        with transaction.atomic():
            old_screenings().create(source="import", **columns)
    except IntegrityError:
        return True
    return False


def unproved() -> list[str]:
    """Names of the constraints that PostgreSQL has not held against the rows that there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        return [name for (name,) in cursor.fetchall()]


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_checks_are_replaced_and_hold_for_every_row(is_interrupted: bool) -> None:
    migrate("moderation", BEFORE)
    assert refuses(verdict="unjudged") and refuses(queued_for="language")
    old_screenings().create(source="import", text="hello", verdict="clear")
    if is_interrupted:
        with interrupted_before(
            "VALIDATE CONSTRAINT" if uses_postgresql() else 'RENAME TO "moderation_screening"'
        ):
            migrate("moderation", REPLACED)
    migrate("moderation")
    assert not refuses(verdict="unjudged") and not refuses(queued_for="language")
    assert refuses(verdict="bad") and refuses(queued_for="fun") and refuses(status="unknown")
    assert old_screenings().filter(text="hello", verdict="clear").count() == 1
    if uses_postgresql():
        assert unproved() == []


def test_checks_that_stored_rows_break_are_not_put_back() -> None:
    old_screenings().create(source="import", verdict="unjudged")
    with pytest.raises(IntegrityError):
        migrate("moderation", BEFORE)
    old_screenings().update(verdict="clear")
    migrate("moderation", BEFORE)
    assert refuses(verdict="unjudged")
    migrate("moderation")


@pytest.mark.skipif(not uses_postgresql(), reason="SQLite has one writer; TEST_DATABASE=postgresql runs this")
def test_no_save_waits_for_checks_that_wait_for_a_reader() -> None:
    screenings = old_screenings()
    migrate("moderation", BEFORE)
    tries = threading.Semaphore(0)

    def pause(seconds: float) -> None:
        tries.release()
        time.sleep(seconds / 10)

    def run() -> None:
        try:
            migrate("moderation")
        finally:
            connections.close_all()

    with pytest.MonkeyPatch.context() as patch, reading(Screening._meta.db_table):
        patch.setattr(migration_operations, "time", SimpleNamespace(sleep=pause, monotonic=time.monotonic))
        migration = threading.Thread(target=run)
        migration.start()
        assert tries.acquire(timeout=60)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '10s'")
        for _ in range(3):
            screenings.create(source="import")
            assert tries.acquire(timeout=60)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
        assert migration.is_alive()
    migration.join(60)
    assert not migration.is_alive()
    assert unproved() == []
    assert not refuses(verdict="unjudged")
