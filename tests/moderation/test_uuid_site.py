"""UUIDs for keys of comments and of users alike, through everything that becomes of a comment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mysite.demo.environment import BASE_DIR
from tests.conftest import uses_postgresql
from tests.servers import PostgresServer


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the site's own, on the server that this run is on."""
    if uses_postgresql():
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return server.create("uuid_site")
    return f"sqlite:///{tmp_path / 'site.sqlite3'}"


def test_comments_and_users_with_uuids_go_all_the_way(database_url: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.uuid_site.settings",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "not-a-secret",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.uuid_site.walk"],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "walked"
