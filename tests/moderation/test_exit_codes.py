"""Exit codes of the commands: 0 done, 1 an error, 2 it cannot and nothing changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from moderation.models import ApiKey, AuditEntry, ModelVersion, ScreeningRun, ShadowTrial
from moderation.rescreening import runs
from moderation.versions import artifacts, pruning, store
from tests.moderation.conftest import run_command
from tests.moderation.test_model_store import directories, packaged, publish
from tests.moderation.version_files import write_version

__all__ = ["directories", "packaged", "publish"]  # fixtures
pytestmark = pytest.mark.django_db
Publish = Callable[..., ModelVersion]


@pytest.fixture(autouse=True)
def versions(packaged: Path, publish: Publish, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default is active; of two candidates one is whole, of the other a file is gone; one was pruned."""
    monkeypatch.setattr("moderation.management.commands.model_versions.try_out", lambda directory: 1)
    store.active_version()
    publish("pruned")
    pruning.prune(keep=0)
    for number in ("whole", "broken"):
        publish(number)
    (store.local_directory(_named("broken")) / "model.onnx").unlink()
    write_version(tmp_path / "new", "new")
    (tmp_path / "there").mkdir()
    for letter in "ab":
        ApiKey.objects.create(name="twice", prefix=8 * letter, sha256=64 * letter, scopes=["read"])
    monkeypatch.chdir(tmp_path)


def _named(number: str) -> ModelVersion:
    return ModelVersion.objects.get(name="small", version=number)


def _everything(tmp_path: Path) -> Any:
    tables = (ModelVersion, AuditEntry, ApiKey, ShadowTrial, ScreeningRun)
    files = sorted(path for path in tmp_path.rglob("*"))
    return [list(table.objects.order_by("pk").values()) for table in tables], files


CANNOT = (
    ("model_versions show nothing@1", "no one version nothing@1; registered: small@broken"),
    ("model_versions compare nothing@1 small@whole", "no one version"),
    ("model_versions compare small@whole nothing@1", "no one version"),
    ("model_versions publish nowhere", "cannot be read"),
    ("model_versions publish there", "cannot be read"),
    ("model_versions publish made/whole", "published already"),
    ("model_versions import nowhere --name small --number whole", "published already"),
    ("model_versions activate nothing@1", "no one version"),
    ("model_versions activate small@broken", "cannot be read"),
    ("model_versions activate small@pruned", "were removed"),
    ("model_versions rollback", "No other model version"),
    ("model_versions export nothing@1 out", "no one version"),
    ("model_versions export small@whole there", "is there already"),
    ("model_versions export small@whole nowhere/out", "could not be written"),
    ("model_versions export small@whole nowhere/out.tar", "could not be written"),
    ("model_versions export small@broken out", "cannot be read"),
    ("model_versions export small@broken out.tar", "cannot be read"),
    ("model_versions export small@pruned out", "were removed"),
    ("shadow start nothing@1", "no one version"),
    ("shadow status", "no shadow trial"),
    ("rescreen --existing --act", "no --since, --model, --act"),
    ("rescreen --thresholds --limit 3", "no --existing, no --limit"),
    ("rescreen --model nothing@1", "no model version nothing@1"),
    ("retrain", "no reviewed texts yet"),
    ("retrain --base nowhere.csv", "does not exist"),
    ("export_labels out", "no decision to export"),
    ("import_labels nowhere.csv --format own", "No such file"),
    ("perspective_scale --from nowhere.csv", "No such file"),
    ("api_keys revoke nobody", "No key has this prefix"),
    ("api_keys revoke twice", "Several keys are meant"),
)


@pytest.mark.parametrize(("line", "match"), CANNOT, ids=[line for line, _ in CANNOT])
def test_what_cannot_be_done_ends_with_2_and_changes_nothing(line: str, match: str, tmp_path: Path) -> None:
    before = _everything(tmp_path)
    with pytest.raises(CommandError, match=match) as refused:
        run_command(*line.split())
    assert refused.value.returncode == 2
    assert _everything(tmp_path) == before


def test_a_storage_that_the_settings_do_not_have_is_told_before_files_are_given_up(
    settings: Any, tmp_path: Path
) -> None:
    settings.MODERATION = {**settings.MODERATION, "MODEL_STORAGE": "nowhere"}
    before = _everything(tmp_path)
    for line in ("activate small@whole", "publish new", "export small@whole out", "prune --keep 1"):
        with pytest.raises(CommandError, match='no alias "nowhere"') as refused:
            run_command("model_versions", *line.split())
        assert refused.value.returncode == 2
    assert _everything(tmp_path) == before


def test_a_second_rescreening_cannot() -> None:
    with runs.exclusive_run(), pytest.raises(CommandError) as refused:
        run_command("rescreen")
    assert refused.value.returncode == 2


def test_a_key_that_was_revoked_before_cannot_be_again() -> None:
    run_command("api_keys", "revoke", "a" * 8)
    with pytest.raises(CommandError, match="was revoked before") as refused:
        run_command("api_keys", "revoke", "a" * 8)
    assert refused.value.returncode == 2


def test_what_is_done_in_part_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered, and not activated as was asked for."""

    def damaged(*_: Any, **__: Any) -> None:
        raise artifacts.ModelUnavailable("A file is damaged.")

    monkeypatch.setattr(store, "activate", damaged)
    with pytest.raises(CommandError, match="is registered, but was not activated") as failed:
        run_command("model_versions", "publish", "new", "--activate")
    assert failed.value.returncode == 1
    assert _named("new").is_active is False
