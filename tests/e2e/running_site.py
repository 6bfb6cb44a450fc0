"""A site with everything that belongs to it, running in processes of its own, for tests to use."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mysite.demo.environment import BASE_DIR, WorkDirectory, embedded_redis_url, free_port
from mysite.demo.parts import start_redis, start_server, start_worker
from mysite.demo.posting import post_comment
from mysite.demo.processes import Child, Children

HOST = "127.0.0.1"
USERNAME = "moderator"
PASSWORD = "correct horse battery"
SQUARE = "market-square-without-cars"


class RunningSite:
    """The site's address, its command line, and its database, read from outside."""

    def __init__(
        self, work: WorkDirectory, children: Children, moderation: dict[str, Any] | None = None
    ) -> None:
        """moderation: keys of `MODERATION` that differ from the demo site's."""
        self.work = work
        self.children = children
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.environment = {
            **os.environ,
            **work.environment(),
            "REDIS_URL": embedded_redis_url(),
            "TEXT_KEY_SECRET": "the same texts are on the same side in every run",
            "DJANGO_SETTINGS_MODULE": "tests.e2e.site_settings",
            "E2E_MODERATION": json.dumps(moderation or {}),
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "HF_HUB_OFFLINE": "1",
        }

    def start(self) -> None:
        """Set up the database and start Redis, the worker and the server."""
        self.work.logs.mkdir(parents=True)
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--noinput", "--verbosity", "0")
        self.manage("createsuperuser", "--noinput", "--username", USERNAME, "--email", "m@example.org")
        start_redis(self.children, self.environment["REDIS_URL"], self.work.logs)
        self.worker: Child = start_worker(self.children, self.work.logs, environment=self.environment)
        start_server(self.children, self.work.logs, HOST, self.port, environment=self.environment)

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` in a process of its own and return what it printed."""
        command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=900, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {arguments[0]} failed ({done.returncode}):\n{done.stderr}")
        return done

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of the site's database, read by a connection of our own."""
        connection = sqlite3.connect(f"{self.work.database.as_uri()}?mode=ro", uri=True, timeout=20)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql, parameters)]
        finally:
            connection.close()

    def post(self, text: str, name: str = "Reader", article: str = SQUARE) -> None:
        """Post a comment over HTTP, as the form does."""
        post_comment(HOST, self.port, article, name, text)

    def screening_of(self, text: str) -> dict[str, Any]:
        """Wait until that text is screened; its row, with the scores of the live scoring."""

        def find() -> dict[str, Any] | None:
            found = self.rows(
                "SELECT s.*, g.scores, g.model_version_id, c.is_public FROM moderation_screening s "
                "JOIN moderation_scoring g ON g.screening_id = s.id AND g.is_basis "
                "JOIN django_comments c ON c.id = CAST(s.object_id AS INTEGER) "
                "WHERE s.text = ? AND s.status = 'done' ORDER BY s.id DESC",
                text,
            )
            return {**found[0], "scores": json.loads(found[0]["scores"])} if found else None

        found: dict[str, Any] = self.wait_for(find, "the screening to be scored")
        return found

    def labels_of(self, review: dict[str, Any]) -> dict[str, bool | None]:
        """The labels of a row of reviews."""
        labels: dict[str, bool | None] = json.loads(review["labels"])
        return labels

    def wait_for(self, find: Callable[[], Any], what: str, seconds: float = 90) -> Any:
        """Call `find` until it returns something true."""
        deadline = time.monotonic() + seconds
        while not (found := find()):
            self.children.check()
            if time.monotonic() > deadline:
                raise AssertionError(f"Waited {seconds:.0f} s for {what}.\n{self.worker.last_lines(30)}")
            time.sleep(0.1)
        return found


def work_directory(root: Path) -> WorkDirectory:
    """A fresh work directory under `root`."""
    return WorkDirectory(root, once=False)
