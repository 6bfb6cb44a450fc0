"""`model_versions publish`: from a directory of the library to a verdict of the site, or a clear refusal."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from moderation.models import AuditEntry, ModelVersion, Screening
from moderation.versions import store
from moderation.worker.drain import drain
from mysite.settings import BASE_DIR
from tests.forum.models import Post
from tests.moderation.conftest import run_command
from tests.toxicity_ml.tiny_model import CANNED, build_version

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "tiny"
    build_version(directory)
    return directory


@pytest.fixture
def directory(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    shutil.copytree(made, tmp_path / "tiny")
    return tmp_path / "tiny"


@pytest.fixture(autouse=True)
def published(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where published files go; and ann is at the keyboard."""
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    settings.MODERATION = {**settings.MODERATION, "MODEL_DIRECTORY": str(tmp_path / "published")}
    return tmp_path / "published"


def assert_refused(directory: Path, published: Path, match: str) -> None:
    """The command fails with this message, and neither rows nor the storage change."""
    store.active_version()
    before = list(ModelVersion.objects.values()), AuditEntry.objects.count(), _files(published)
    with pytest.raises(CommandError, match=match) as caught:
        run_command("model_versions", "publish", str(directory), "--activate")
    assert caught.value.returncode == 2
    assert (list(ModelVersion.objects.values()), AuditEntry.objects.count(), _files(published)) == before


def _files(published: Path) -> list[Path]:
    return sorted(path for path in published.rglob("*") if path.is_file())


def rewrite_manifest(directory: Path, **changes: Any) -> None:
    path = directory / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_version_that_was_made_by_hand_is_registered_activated_and_judges(directory: Path) -> None:
    packaged = store.active_version()
    printed = run_command("model_versions", "publish", str(directory))
    assert "tiny@1 is registered" in printed and f"{len(CANNED)} golden text(s)" in printed
    assert "model_versions activate tiny@1" in printed
    assert store.active_version() == packaged
    shutil.rmtree(directory)  # the storage has its own copy

    run_command("model_versions", "activate", "tiny@1")
    post = Post.objects.create(body="you are a stupid idiot")
    drain()
    screening = Screening.objects.get(object_id=str(post.pk))
    basis = screening.basis()
    assert basis is not None and str(basis.model_version) == "tiny@1"
    assert screening.verdict == "held" and basis.scores["insult"] > 0.5
    entries = AuditEntry.objects.order_by("id").values_list("action", "username")
    assert list(entries)[1:] == [("model.published", "ann (system)"), ("model.activated", "ann (system)")]
    run_command("model_versions", "rollback")
    assert store.active_version() == packaged


def test_activate_makes_it_score_at_once_and_a_fresh_site_can_go_back(directory: Path) -> None:
    answer = json.loads(run_command("model_versions", "publish", str(directory), "--activate", "--json"))
    assert (answer["version"], answer["is_active"]) == ("tiny@1", True)
    assert str(store.active_version()) == "tiny@1"
    run_command("model_versions", "rollback")
    assert store.active_version().location == ""


def test_a_name_and_version_that_is_taken_is_refused(directory: Path, published: Path) -> None:
    run_command("model_versions", "publish", str(directory))
    assert_refused(directory, published, "tiny@1 is published already")


def test_a_damaged_file_is_named(directory: Path, published: Path) -> None:
    with (directory / "model.safetensors").open("ab") as file:
        file.write(b"!")
    assert_refused(directory, published, r"model\.safetensors is damaged")


def test_a_missing_file_is_named(directory: Path, published: Path) -> None:
    (directory / "tokenizer.json").unlink()
    assert_refused(directory, published, r"tokenizer\.json is missing")


@pytest.mark.filterwarnings("ignore:.*int8 arithmetic is off:RuntimeWarning")
def test_a_model_that_does_not_give_the_scores_of_its_manifest_is_refused(
    directory: Path, published: Path
) -> None:
    canned = json.loads((directory / "manifest.json").read_text())["canned"]
    rewrite_manifest(
        directory,
        canned=[{**entry, "scores": {label: 0.5 for label in entry["scores"]}} for entry in canned],
    )
    assert_refused(directory, published, "does not give the scores that its manifest names")


def test_a_name_that_no_column_holds_is_refused(directory: Path, published: Path) -> None:
    rewrite_manifest(directory, name="x" * 101)
    assert_refused(directory, published, "name in the manifest is 101 characters long; 100 fit")


def test_a_folder_that_is_no_version_is_refused(tmp_path: Path, published: Path) -> None:
    assert_refused(tmp_path / "nowhere", published, "nowhere is missing")
    (tmp_path / "photos").mkdir()
    assert_refused(tmp_path / "photos", published, r"photos/manifest\.json is missing")
    (tmp_path / "photos" / "manifest.json").write_text('{"name": "tiny", "version": "1"}')
    assert_refused(tmp_path / "photos", published, r"manifest\.json is not a manifest")


def test_the_exit_code_of_a_refusal_is_2(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "model_versions", "publish", str(tmp_path)]
    environment = {**os.environ, "SECRET_KEY": "x", "DATABASE_URL": f"sqlite:///{tmp_path}/no.sqlite3"}
    done = subprocess.run(
        command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "manifest.json is missing" in done.stderr and "Traceback" not in done.stderr
