"""The settings that come from the environment, each read by a process of its own."""

import json
import os
import subprocess
import sys

from mysite.demo.environment import BASE_DIR

READ = """
import json
from mysite import settings
print(json.dumps({name: getattr(settings, name, None) for name in
    "DEBUG DATABASES REDIS_URL ALLOWED_HOSTS SESSION_COOKIE_SECURE SECRET_KEY MODERATION LOGGING".split()},
    default=str))
"""


def read(**variables: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "-c", READ],
        env=clean | variables,
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_secret_key_the_site_does_not_start_and_says_why() -> None:
    done = read()
    assert done.returncode != 0
    assert "Set the environment variable SECRET_KEY" in done.stderr


def test_debug_is_off_by_default_and_brings_a_key_of_its_own() -> None:
    assert json.loads(read(SECRET_KEY="k").stdout)["DEBUG"] is False
    debugging = json.loads(read(DEBUG="1").stdout)
    assert debugging["DEBUG"] is True
    assert len(debugging["SECRET_KEY"]) > 40


def test_sqlite_writes_ahead_and_locks_at_once() -> None:
    database = json.loads(read(SECRET_KEY="k").stdout)["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


def test_database_redis_and_hosts_come_from_the_environment() -> None:
    settings = json.loads(
        read(
            SECRET_KEY="k",
            DATABASE_URL="postgresql://u:p@db.example/comments",
            REDIS_URL="redis://r.example/3",
            ALLOWED_HOSTS="a.example, b.example",
            HTTPS="1",
        ).stdout
    )
    database = settings["DATABASES"]["default"]
    assert (database["ENGINE"], database["HOST"]) == ("django.db.backends.postgresql", "db.example")
    assert settings["REDIS_URL"] == "redis://r.example/3"
    assert settings["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert settings["SESSION_COOKIE_SECURE"] is True


def test_the_metrics_port_is_closed_unless_the_environment_opens_it() -> None:
    closed = json.loads(read(SECRET_KEY="k").stdout)["MODERATION"]
    assert (closed["METRICS_PORT"], closed["METRICS_TOKEN"]) == (None, "")
    settings = read(SECRET_KEY="k", METRICS_PORT="9101", METRICS_ADDRESS="10.0.0.1", METRICS_TOKEN="t").stdout
    opened = json.loads(settings)["MODERATION"]
    assert (opened["METRICS_PORT"], opened["METRICS_ADDRESS"]) == (9101, "10.0.0.1")
    assert opened["METRICS_TOKEN"] == "t"
    assert "METRICS_PORT must be a port number" in read(SECRET_KEY="k", METRICS_PORT="http").stderr


def test_logs_are_plain_lines_or_json_objects() -> None:
    def formatter(**variables: str) -> str:
        logging = json.loads(read(SECRET_KEY="k", **variables).stdout)["LOGGING"]
        return str(logging["formatters"][logging["handlers"]["console"]["formatter"]]["()"])

    assert formatter() == "mysite.logs.TextFreeFormatter"
    assert formatter(LOG_FORMAT="json") == "mysite.logs.TextFreeJsonFormatter"
    assert "LOG_FORMAT must be one of" in read(SECRET_KEY="k", LOG_FORMAT="xml").stderr
