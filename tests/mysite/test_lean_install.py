"""What `pip install .[site]` and `.[site,worker]` bring is enough. A web process needs no numpy and no model.

Each runs in a process that can import nothing but those packages and what they require, as in a fresh
environment, although the tests' own holds all of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from mysite.demo.environment import BASE_DIR
from tests.servers import RedisServer
from toxicity_ml.classifier import PRETRAINED

ONLY = """
import importlib.metadata, json, os, sys

class Refuse:
    allowed = set(json.loads(os.environ["ONLY_THESE"]))
    owners = importlib.metadata.packages_distributions()

    def find_spec(self, name, path=None, target=None):
        owners = {owner.lower().replace("_", "-") for owner in self.owners.get(name.partition(".")[0], ())}
        if owners and not owners & self.allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuse())
import django
django.setup()
"""
WEB = """
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
import gunicorn.app.wsgiapp, mysite.wsgi
from django.urls import get_resolver
from moderation import broker
from moderation.notifier import Notifier
get_resolver().url_patterns
assert broker.answers(30)
for _ in range(100):  # a busy machine may be slower than a save would wait
    process_notifier = Notifier()
    process_notifier.acknowledge()
    if process_notifier.notify():
        break
else:
    sys.exit("no worker could be woken")
from django.core.management import call_command
call_command("check")
read = {os.path.basename(path) for path in opened if os.path.basename(os.path.dirname(path)) == "pretrained"}
assert read == {"manifest.json"}, read
"""
WORKER = """
from celery import current_app
from celery.concurrency import prefork, solo, thread
from moderation import broker
from toxicity_ml import Classifier
current_app.loader.import_default_modules()
assert broker.answers(30)
assert Classifier.load().predict(["you are an idiot"])[0]["toxic"] > 0.5
"""

TRAINING = {"torch", "transformers", "datasets", "scikit-learn"}
SCORING = {"numpy", "onnxruntime", "tokenizers", "safetensors"}
INDEX_LIMIT_BYTES = 100_000_000
"""Of a file, on the package index, unless its keepers allow a project more."""


def required(*extras: str) -> list[str]:
    """Names of all packages that an installation with these extras brings."""
    project: dict[str, Any] = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]
    groups = (project["dependencies"], *(project["optional-dependencies"][name] for name in extras))
    asked = [line for group in groups for line in group]
    names: set[str] = set()
    while asked:
        requirement = Requirement(asked.pop())
        name = canonical(requirement.name)
        if name in names and not requirement.extras:
            continue
        names.add(name)
        for line in metadata.distribution(name).requires or ():
            marker = Requirement(line).marker
            wanted = [{"extra": extra} for extra in requirement.extras] or [{"extra": ""}]
            if marker is None or any(marker.evaluate(environment) for environment in wanted):
                asked.append(line)
    return sorted(names)


def canonical(name: str) -> str:
    """As the package index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("extras", "script", "absent"),
    [(("site",), WEB, TRAINING | SCORING), (("site", "worker"), WORKER, TRAINING)],
)
def test_what_an_extra_brings_is_enough(
    redis_server: RedisServer, tmp_path: Path, extras: tuple[str, ...], script: str, absent: set[str]
) -> None:
    packages = ["django-toxicity-moderation", *required(*extras)]
    assert not absent & set(packages)
    done = subprocess.run(
        [sys.executable, "-c", ONLY + script],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ONLY_THESE": json.dumps(packages),
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
            "SECRET_KEY": "not-a-secret",
            "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
            "REDIS_URL": redis_server.url,
        },
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel_stays_under_the_package_index_s_limit() -> None:
    # Everything else in the wheel takes less than a megabyte, and nothing grows by being packed.
    packaged = [path for path in PRETRAINED.iterdir() if path.is_file()]
    assert {"model.onnx", "model.safetensors"} <= {path.name for path in packaged}
    assert sum(path.stat().st_size for path in packaged) < INDEX_LIMIT_BYTES - 1_000_000
