"""Where the demo keeps its things, and the environment that its settings are read from.

`prepare` runs before Django reads the settings, so it imports nothing of Django's.
"""

import argparse
import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class WorkDirectory:
    """The demo's files. A run with --once gets a fresh database of its own beside the lasting one."""

    root: Path
    once: bool

    @property
    def run(self) -> Path:
        """What one kind of run writes: database, uploaded files, logs."""
        return self.root / ("once" if self.once else "site")

    @property
    def database(self) -> Path:
        return self.run / "demo.sqlite3"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def static(self) -> Path:
        return self.root / "static"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    def environment(self) -> dict[str, str]:
        """The variables that `mysite.settings` reads, pointing into this directory; all but REDIS_URL."""
        return {
            "SECRET_KEY": self.kept_secret("secret-key", 50),
            "TEXT_KEY_SECRET": self.kept_secret("text-key-secret", 50),
            "DATABASE_URL": f"sqlite:///{quote(str(self.database))}",
            "STATIC_ROOT": str(self.static),
            "MEDIA_ROOT": str(self.run / "media"),
            "MODEL_DIRECTORY": str(self.run / "model_versions"),
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "CSRF_TRUSTED_ORIGINS": "",
            "DEBUG": "",
            "HTTPS": "",
            "API_TEST_KEY": "1",
        }

    def kept_secret(self, name: str, n_bytes: int) -> str:
        """A random string that is made once and then kept, readable by this user only."""
        path = self.root / name
        if not path.exists() or not path.stat().st_size:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(n_bytes))
        return path.read_text().strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `manage.py demo`, shared with the look ahead that `prepare` takes."""
    parser.add_argument(
        "--once",
        action="store_true",
        help="post the samples, print their verdicts, stop",
    )
    parser.add_argument("--port", type=_port, default=8000, help="port of the site; 0: any free one")
    parser.add_argument("--work-dir", default=str(BASE_DIR / ".demo"), help="where the demo keeps its files")


def _port(given: str) -> int:
    if not given.isdecimal() or int(given) > 65535:
        raise argparse.ArgumentTypeError(f"{given} is no port; choose one from 1 to 65535, or 0")
    return int(given)


def prepare(arguments: Sequence[str]) -> None:
    """Set the environment variables of the demo's settings.

    The demo never touches a database that you set with DATABASE_URL: it has its own. It uses the Redis that
    REDIS_URL names, and starts one where that is not set.
    """
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    known, _ = parser.parse_known_args(list(arguments))
    work = WorkDirectory(Path(known.work_dir).resolve(), known.once)
    os.environ.update(work.environment(), DEMO_EMBEDDED_REDIS="")
    if not os.environ.get("REDIS_URL"):
        os.environ.update(REDIS_URL=embedded_redis_url(), DEMO_EMBEDDED_REDIS="1")


def embedded_redis_url() -> str:
    """Where a Redis of our own can be started, with a password that nobody else knows."""
    return f"redis://:{secrets.token_urlsafe(24)}@127.0.0.1:{free_port()}/0"


def free_port() -> int:
    """A TCP port on the loopback address that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
