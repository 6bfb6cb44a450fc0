"""What all tests share: the database they run on, and a Redis.

    pytest                                             everything, on SQLite (a file, WAL, IMMEDIATE)
    TEST_DATABASE=postgresql pytest tests/moderation   the same tests on PostgreSQL, started by the tests
    pytest --regression H1                             what the fault of that name once broke
    HYPOTHESIS_PROFILE=searching pytest                with other made-up inputs each time; 2,000 where a
                                                       test does not say how many

Nothing has to be installed or running: both servers come with the requirements, start when the first test
needs them, and end with the tests.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.servers import PostgresServer, RedisServer

# Before they are imported: so that a failed one there says what it compared.
pytest.register_assert_rewrite("tests.faults.accounting", "tests.e2e.admin_session")

# The same inputs in every run, so that a change is judged by what it changed; a busy machine is not a defect.
_patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
hypothesis_settings.register_profile("same", derandomize=True, **_patient)
hypothesis_settings.register_profile("searching", max_examples=2000, **_patient)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--regression H1`: only the tests that hold what this fault once broke."""
    parser.addoption("--regression", action="append", metavar="ID", help="only the tests of this fault")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what no `--regression` names; an unknown name selects nothing, and pytest says so."""
    wanted = set(config.getoption("regression") or ())
    if not wanted:
        return
    chosen = [item for item in items if wanted & _regressions(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _regressions(item: pytest.Item) -> set[str]:
    return {name for mark in item.iter_markers("regression") for name in mark.args}


@pytest.fixture(autouse=True)
def cache_of_its_own() -> None:
    """A test begins with an empty cache: what an earlier one left there would run out in the midst of it."""
    cache.clear()


@pytest.fixture(autouse=True)
def language_of_its_own() -> Iterator[None]:
    """A page that was read in German leaves no German to the next test."""
    yield
    translation.deactivate()


def uses_postgresql() -> bool:
    """Whether this run is on a PostgreSQL of its own."""
    return os.environ.get("TEST_DATABASE") == "postgresql" and not os.environ.get("DATABASE_URL")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the tests' own."""
    server = PostgresServer()
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A Redis server that no test may leave stopped."""
    server = RedisServer()
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, request: pytest.FixtureRequest) -> None:
    """Point Django at the tests' own PostgreSQL, where this run is on one."""
    if uses_postgresql():
        server: PostgresServer = request.getfixturevalue("postgres_server")
        settings.DATABASES["default"]["HOST"] = str(server.sockets)
