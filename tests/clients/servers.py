"""The two servers that answer for Perspective: the demo site behind gunicorn, and `toxicity_ml serve`."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mysite.demo.environment import BASE_DIR, WorkDirectory, free_port
from mysite.demo.processes import Child, Children

HOST = "127.0.0.1"
SECONDS = 60
PREFIX = "/perspective/"


@dataclass(frozen=True)
class RunningServer:
    """A server that answers for Perspective, with a key for it."""

    root: str
    """The address that the API lies below; ends in a slash."""
    key: str = field(repr=False)
    log: Path
    manage: dict[str, str] | None = field(default=None, repr=False)
    """The environment of the site's `manage.py`; None where there is no site."""

    @property
    def discovery_url(self) -> str:
        """Where the discovery document is."""
        return f"{self.root}$discovery/rest?version=v1alpha1"

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return urlsplit(self.root).port or 80

    @property
    def analyze_path(self) -> str:
        """The path of `comments:analyze`, with the key."""
        return f"{urlsplit(self.root).path}v1alpha1/comments:analyze?key={self.key}"

    @property
    def batch_path(self) -> str:
        """The path of `batch`."""
        return f"{urlsplit(self.root).path}batch"

    def suggested_texts(self) -> list[str]:
        """The texts of the suggestions that the site has stored."""
        return list(json.loads(_manage(self.manage or {}, "shell", "--verbosity", "0", "-c", SUGGESTED)))


SUGGESTED = """
import json
from moderation.models import Suggestion
print(json.dumps([each.screening.text for each in Suggestion.objects.order_by("pk")]))
"""


def start_site(children: Children, folder: Path) -> RunningServer:
    """Start the demo site behind gunicorn, as deploy/ configures it, with a key of its own."""
    work = WorkDirectory(folder, once=False)
    work.run.mkdir(parents=True)
    environment = {
        **os.environ,
        **work.environment(),
        "REDIS_URL": f"redis://{HOST}:{free_port()}/0",
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
        "WEB_CONCURRENCY": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
    }
    _manage(environment, "migrate", "--verbosity", "0")
    _manage(environment, "collectstatic", "--noinput", "--verbosity", "0")
    create = ("api_keys", "create", "clients", "--scopes", "analyze,suggest", "--quota", "none")
    key = _manage(environment, *create).splitlines()[-1]
    port = free_port()
    configuration = BASE_DIR / "deploy" / "gunicorn.conf.py"
    command = [sys.executable, "-m", "gunicorn", "--config", str(configuration), "--chdir", str(BASE_DIR)]
    command += ["--bind", f"{HOST}:{port}", "mysite.wsgi"]
    child = children.start("site", command, folder / "gunicorn.log", environment=environment)
    return _ready(RunningServer(f"http://{HOST}:{port}{PREFIX}", key, child.log, environment), child)


def start_serve(children: Children, folder: Path, *options: str) -> RunningServer:
    """Start the server without Django, with a file of keys."""
    key = "a-key-of-the-file"
    (folder / "keys").write_text(f"{key}\n")
    port = free_port()
    command = [sys.executable, "-m", "toxicity_ml", "serve", "--port", str(port)]
    command += ["--keys", str(folder / "keys"), "--threads", "1", *options]
    environment = {**os.environ, "PYTHONPATH": str(BASE_DIR)}
    child = children.start("server", command, folder / "serve.log", environment=environment)
    return _ready(RunningServer(f"http://{HOST}:{port}/", key, child.log), child)


def _ready(server: RunningServer, child: Child) -> RunningServer:
    """Wait until the server scores."""
    child.wait_until(lambda: _scores(server), SECONDS)
    return server


def _scores(server: RunningServer) -> bool:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=SECONDS)
    try:
        body: dict[str, Any] = {"comment": {"text": "hello"}, "requestedAttributes": {"TOXICITY": {}}}
        connection.request("POST", server.analyze_path, json.dumps(body))
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _manage(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
