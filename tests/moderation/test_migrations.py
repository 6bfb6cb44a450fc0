"""How a database from before the first release comes over to the one migration that makes every table."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from moderation.models import Screening
from tests.conftest import uses_postgresql
from tests.moderation.migrating import RECORD, applied, interrupted_before, migrate

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = "0001_first_release"
EARLIER: Sequence[str] = importlib.import_module(f"moderation.migrations.{FIRST}").EARLIER


def make_earlier(names: Sequence[str]) -> None:
    """Make the database as it was with these of the earlier migrations, as far as a record tells."""
    with connection.schema_editor() as editor:
        editor.remove_field(Screening, Screening._meta.get_field("retry_at"))
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("moderation", FIRST)
    for name in names:
        recorder.record_applied("moderation", name)


@pytest.fixture(autouse=True)
def first_alone() -> object:
    """Take later migrations back for the test, and bring the database to the latest one afterwards."""
    migrate("moderation", FIRST)
    yield
    recorder = MigrationRecorder(connection)
    if schema() and FIRST not in applied("moderation"):
        for name in EARLIER:
            recorder.record_applied("moderation", name)
    migrate("moderation")
    recorder.migration_qs.filter(app="moderation", name__in=EARLIER).delete()


def first_screenings() -> Any:
    """Return the model as the first migration has it: later ones add columns."""
    return (
        MigrationLoader(None).project_state(("moderation", FIRST)).apps.get_model("moderation", "Screening")
    )


def tables() -> list[str]:
    return [model._meta.db_table for model in apps.get_app_config("moderation").get_models()]


def schema() -> dict[str, Any]:
    """{table: its columns with their types, its indexes and constraints}, of those tables that are there."""
    with connection.cursor() as cursor:
        introspection = connection.introspection
        present = set(introspection.table_names(cursor))
        return {
            table: (
                sorted(introspection.get_table_description(cursor, table)),
                _named_alike(introspection.get_constraints(cursor, table)),
            )
            for table in tables()
            if table in present
        }


def _named_alike(constraints: dict[str, Any]) -> dict[str, Any]:
    """Name foreign keys by their columns: SQLite counts them in an order that means nothing."""
    return {
        "fk_" + "_".join(details["columns"]) if name.startswith("fk_") else name: details
        for name, details in constraints.items()
    }


def test_a_database_with_all_earlier_migrations_gets_the_column_and_loses_no_row() -> None:
    whole = schema()
    row = first_screenings().objects.create(source="import", text="hello")
    make_earlier(EARLIER)
    assert schema() != whole
    taken = migrate("moderation", FIRST)
    assert "CREATE TABLE" not in taken
    assert schema() == whole
    row.refresh_from_db()
    assert (row.text, row.retry_at) == ("hello", None)
    assert applied("moderation")[0] == FIRST
    assert "ALTER TABLE" not in migrate("moderation", FIRST)  # nothing is left to do


def test_coming_over_can_be_interrupted() -> None:
    whole = schema()
    make_earlier(EARLIER)
    with interrupted_before(RECORD if uses_postgresql() else "ADD COLUMN"):
        migrate("moderation", FIRST)
    migrate("moderation", FIRST)
    assert schema() == whole


@pytest.mark.parametrize("count", [1, 7, 11])
def test_a_database_half_way_is_refused_and_left_as_it_is(count: int) -> None:
    row = first_screenings().objects.create(source="import", text="hello")
    make_earlier(EARLIER[:count])
    before = schema()
    for _ in range(2):
        with pytest.raises(CommandError) as error:
            migrate("moderation", FIRST)
        assert f"{count} of the 12" in str(error.value)
        assert f"lacks {', '.join(EARLIER[count:])}." in str(error.value)
        assert schema() == before
        assert applied("moderation") == list(EARLIER[:count])
    assert first_screenings().objects.values_list("text", flat=True).get(pk=row.pk) == "hello"


def test_a_database_that_has_none_of_the_tables_gets_no_column(settings: Any) -> None:
    """On a site whose router keeps them elsewhere, each database has the records all the same."""
    make_earlier(EARLIER)
    before = schema()
    settings.DATABASE_ROUTERS = ["tests.moderation.migrating.Elsewhere"]
    migrate("moderation", FIRST)
    assert schema() == before
    assert FIRST in applied("moderation")
    settings.DATABASE_ROUTERS = []
    MigrationRecorder(connection).record_unapplied("moderation", FIRST)


def test_without_its_tables_the_database_starts_anew() -> None:
    whole = schema()
    make_earlier(EARLIER)
    migrate("moderation", FIRST)
    migrate("moderation", "zero")
    assert schema() == {}
    assert applied("moderation") == []
    migrate("moderation", FIRST)
    assert schema() == whole
