"""What every scenario starts from: servers, workers, and books that are checked at its end."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core import mail
from django.db import connection
from django.utils.log import AdminEmailHandler

from moderation import notifier
from moderation.discovery.search import remember_starts
from moderation.notifier import Notifier
from mysite.demo.processes import Children
from tests.conftest import uses_postgresql
from tests.faults.accounting import Books
from tests.faults.canary import SiteLog
from tests.faults.workers import Workers
from tests.servers import PostgresServer, RedisServer

ACCOUNTS = pytest.StashKey[list[str]]()


@pytest.fixture
def broker(
    redis_server: RedisServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RedisServer]:
    """Redis as the site in this process and the workers know it; running and empty before each test."""
    app = current_app._get_current_object()
    before = app.conf.broker_url
    settings.MODERATION = {**settings.MODERATION, "REDIS_URL": redis_server.url}
    app.conf.broker_url = redis_server.url
    monkeypatch.setattr(notifier, "process_notifier", Notifier())
    redis_server.stop()
    redis_server.start()
    yield redis_server
    redis_server.stop()
    redis_server.start()
    app.conf.broker_url = before


@pytest.fixture
def model_directory(tmp_path: Path, settings: Any) -> Path:
    """Where trained model versions lie, for the workers and for this process."""
    directory = tmp_path / "versions"
    settings.MODERATION = {**settings.MODERATION, "MODEL_DIRECTORY": str(directory)}
    return directory


@pytest.fixture
def postgres(request: pytest.FixtureRequest, transactional_db: None) -> PostgresServer:
    """The server of this run, where it is on one."""
    if not uses_postgresql():
        pytest.skip("SQLite has no server that could go away; runs with TEST_DATABASE=postgresql")
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server


@pytest.fixture
def workers(
    transactional_db: None,
    request: pytest.FixtureRequest,
    broker: RedisServer,
    model_directory: Path,
    tmp_path: Path,
) -> Iterator[Workers]:
    """Workers on the database of this test; ended before its tables are emptied."""
    remember_starts()
    if uses_postgresql():
        server = request.getfixturevalue("postgres_server")
        database = server.url(connection.settings_dict["NAME"])
    else:
        database = f"sqlite:///{connection.settings_dict['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": database,
        "REDIS_URL": broker.url,
        "MODEL_DIRECTORY": str(model_directory),
        "OMP_NUM_THREADS": "1",
    }
    with Children() as children:
        started = Workers(children, tmp_path / "workers", environment)
        yield started
        for worker in list(started.running):  # nobody waits for an orderly end but the test of it
            started.kill(worker)


@pytest.fixture
def site_log(settings: Any) -> Iterator[SiteLog]:
    """All that this process logs, and error mails in their most talkative form, as a site may have them."""
    settings.ADMINS = [("Operator", "operator@example.org")]
    log = SiteLog()
    handlers = (log, AdminEmailHandler(include_html=True))
    handlers[1].setLevel(logging.ERROR)
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    yield log
    for handler in handlers:
        logging.getLogger().removeHandler(handler)


@pytest.fixture
def books(
    workers: Workers, broker: RedisServer, site_log: SiteLog, request: pytest.FixtureRequest, mailoutbox: Any
) -> Iterator[Books]:
    """The books of this scenario, opened; a test that does not close them has shown nothing."""
    books = Books(request.node.name, workers, broker.url, site_log, mail.outbox)
    if uses_postgresql():
        books.other_logs.append(request.getfixturevalue("postgres_server").log)
    books.open()
    yield books
    line = books.line or f"{request.node.name}: NOT CLOSED"
    request.config.stash.setdefault(ACCOUNTS, []).append("; ".join([line, *books.notes]))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line for each scenario."""
    accounts = config.stash.get(ACCOUNTS, [])
    if accounts:
        terminalreporter.section("what became of the comments")
        for line in accounts:
            terminalreporter.line(line)
