"""Files of model versions that go, and those that stay."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage
from django.core.management.base import CommandError

from moderation.models import AuditEntry, ModelVersion, ShadowTrial
from moderation.versions import artifacts, pruning, store
from tests.moderation.conftest import run_command
from tests.moderation.test_model_store import directories, packaged, publish, remote

__all__ = ["directories", "packaged", "publish", "remote"]  # fixtures
pytestmark = pytest.mark.django_db
Publish = Callable[..., ModelVersion]


@pytest.fixture
def candidates(packaged: Path, publish: Publish) -> list[ModelVersion]:
    """The packaged default was active first, "used" after it, "active" is; five others lost."""
    store.active_version()
    for number in ("used", "active"):
        store.activate(publish(number))
    return [publish(f"lost-{number}") for number in range(5)]


def there(tmp_path: Path) -> set[str]:
    return {path.name.split("-", 1)[1].rsplit("-", 1)[0] for path in (tmp_path / "published").iterdir()}


def test_files_of_candidates_that_lost_go_but_for_the_newest(
    candidates: list[ModelVersion], tmp_path: Path
) -> None:
    shown = run_command("model_versions", "prune")
    assert "small@lost-0: files removed." in shown
    assert there(tmp_path) == {"used", "active", "lost-2", "lost-3", "lost-4"}
    assert set(ModelVersion.objects.all()) >= set(candidates)
    assert "small@lost-0" in run_command("model_versions", "list")
    assert run_command("model_versions", "list").count("(files removed)") == 2
    entries = AuditEntry.objects.filter(action="model.pruned")
    assert [entry.before["version"] for entry in entries.order_by("id")] == ["small@lost-1", "small@lost-0"]
    assert run_command("model_versions", "prune") == "Nothing to remove.\n"


def test_a_dry_run_removes_nothing(candidates: list[ModelVersion], tmp_path: Path) -> None:
    before = there(tmp_path)
    shown = json.loads(run_command("model_versions", "prune", "--keep", "4", "--dry-run", "--json"))
    assert shown == {"versions": ["small@lost-0"], "cached": []}
    assert there(tmp_path) == before
    assert not AuditEntry.objects.filter(action="model.pruned").exists()


def test_a_version_whose_files_are_gone_is_not_activated_and_what_was_active_once_can_be(
    candidates: list[ModelVersion],
) -> None:
    run_command("model_versions", "prune")
    with pytest.raises(CommandError, match="files of small@lost-0 were removed"):
        run_command("model_versions", "activate", "small@lost-0")
    run_command("model_versions", "rollback")
    assert str(store.active_version()) == "small@used"


def test_a_version_that_is_activated_meanwhile_keeps_its_files(
    candidates: list[ModelVersion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = pruning._candidates()
    store.activate(candidates[0])
    monkeypatch.setattr(pruning, "_candidates", lambda: seen)
    assert [str(version) for version in pruning.prune().versions] == ["small@lost-1"]
    assert "lost-0" in there(tmp_path)


def test_what_a_killed_call_left_is_removed_by_the_next(
    candidates: list[ModelVersion], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(artifacts, "remove", _interrupted)
        pruning.prune()
    assert "lost-0" in there(tmp_path)
    pruning.prune()
    assert {"lost-0", "lost-1"}.isdisjoint(there(tmp_path))


def test_files_go_from_a_remote_storage_too(
    packaged: Path, remote: InMemoryStorage, publish: Publish
) -> None:
    store.active_version()
    lost = [publish(f"lost-{number}") for number in range(4)]
    pruning.prune()
    assert not remote.exists(f"{lost[0].location}/manifest.json")
    assert not remote.listdir(lost[0].location)[1]
    assert remote.exists(f"{lost[1].location}/manifest.json")


def test_cached_copies_go_when_nobody_has_opened_them_for_long(
    packaged: Path, remote: InMemoryStorage, publish: Publish, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    old, opened, active = (publish(number) for number in ("old", "opened", "active"))
    for version in (old, opened, active):
        store.local_directory(version)
    store.activate(active)
    for name in ("fetching-x", "damaged-y", "of-somebody-else"):
        (cache / name).mkdir()
    (cache / "a file").write_text("")
    long_ago = time.time() - 31 * 86_400
    for path in cache.iterdir():
        os.utime(path, (long_ago, long_ago))
    store.local_directory(opened)
    pruning.prune()
    left = {path.name for path in cache.iterdir()}
    assert left == {
        artifacts.cached_name(opened.manifest_sha256),
        artifacts.cached_name(active.manifest_sha256),
        "of-somebody-else",
        "a file",
    }
    assert (store.local_directory(old) / "model.onnx").exists()  # fetched again


def test_without_a_cache_there_is_nothing_to_remove(packaged: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    assert pruning.prune() == pruning.Pruned([], [])


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_candidate_in_a_shadow_trial_keeps_its_files_until_the_trial_ends(
    tmp_path: Path, candidates: list[ModelVersion]
) -> None:
    trial = ShadowTrial.objects.create(candidate=candidates[0], beside=store.active_version())
    pruning.prune(keep=0)
    assert {"lost-0"} == {name for name in there(tmp_path) if name.startswith("lost")}
    ShadowTrial.objects.filter(pk=trial.pk).update(status="dropped")
    pruning.prune(keep=0)
    assert "lost-0" not in there(tmp_path)
