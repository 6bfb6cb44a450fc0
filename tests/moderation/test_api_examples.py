"""The examples of docs/api.md, run by curl as they stand there, against a running server."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from moderation.models import ModelVersion, Screening
from mysite.demo.environment import BASE_DIR
from tests.forum.models import Post
from tests.moderation.api import key
from tests.moderation.conftest import by_words, scores_with, screen

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = (BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = [
    command
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for command in block.splitlines()
    if command.startswith("curl ")
]


@pytest.fixture
def site(version: ModelVersion, monkeypatch: pytest.MonkeyPatch, live_server: Any) -> dict[str, str]:
    """A running site with a flagged comment whose screening is number 1, and a key that may all of this."""
    scores_with(monkeypatch, by_words)
    explained = type("Loaded", (), {"predict": staticmethod(by_words), "explain": lambda *_: ()})
    monkeypatch.setattr("moderation.screening.model.load_model", lambda *_, **__: explained())
    Screening.objects.create(pk=1, source="import", text="you idiot", queued_for="", status="pending")
    screen()
    Post.objects.create(pk=1, body="fine words", is_visible=True)
    screen()
    ann = User.objects.create_user("ann")
    ann.user_permissions.set(Permission.objects.filter(codename="review_screening"))
    ((name, raw),) = key("classify", "read", "review", "report", user=ann).items()
    return {"API": f"{live_server.url}/api/moderation", "KEY": f"{name}: {raw}"}


def test_the_page_has_examples() -> None:
    assert len(COMMANDS) >= 12
    addresses = " ".join(COMMANDS)
    for name in ("classify", "screenings", "reviews", "policies", "model-versions", "stats"):
        assert f"/{name}/" in addresses


@pytest.mark.parametrize("command", COMMANDS)
def test_an_example_is_answered(site: dict[str, str], command: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{command} --silent --show-error --fail-with-body --noproxy '*'"],
        env={**site, "PATH": "/usr/bin:/bin:/usr/local/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)
