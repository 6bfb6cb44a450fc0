"""SIGTERM in the midst of a command that writes: nothing half-written stays, and no lease is kept."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import FileSystemStorage

from moderation.models import AuditEntry, Lease, ModelVersion, Screening
from moderation.retraining import checkpoints, contradictions
from moderation.retraining.label_files import exporting as label_exporting
from moderation.retraining.label_files import importing
from moderation.review.decisions import decide
from moderation.versions import exporting as version_exporting
from tests.forum.models import Post
from tests.moderation.conftest import make_version, run_command, screen
from tests.moderation.version_files import write_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, admin_user: User) -> Iterator[None]:
    """A site with a version and decisions; a SIGTERM that nobody catches fails the test, not all of them."""
    settings.MODERATION = {
        **settings.MODERATION,
        "MODEL_DIRECTORY": str(tmp_path / "published"),
        "MODEL_CACHE": str(tmp_path / "cache"),
    }
    made = write_version(tmp_path / "made", "1")
    monkeypatch.setattr("moderation.management.commands.model_versions.try_out", lambda directory: 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    make_version("1", is_active=True)
    for number in range(3):
        Post.objects.create(body=f"you idiot {number}")
    screen()
    for screening in Screening.objects.all():
        decide(screening.pk, reviewer=admin_user, kind="uphold")
    (tmp_path / "rows.csv").write_text("text,toxic\nyou idiot,1\n")
    monkeypatch.setattr(contradictions, "MOST_UNLIKELY", 1)
    monkeypatch.setattr(contradictions, "_before_decisions", lambda version: made)

    def unheard(*_: object) -> None:
        pytest.fail("SIGTERM was not heard")

    before = signal.signal(signal.SIGTERM, unheard)
    yield
    signal.signal(signal.SIGTERM, before)


def terminated(*_: Any, **__: Any) -> None:
    signal.raise_signal(signal.SIGTERM)


MIDST: tuple[tuple[str, Any, str], ...] = (
    ("export_labels out", label_exporting, "card"),
    ("import_labels rows.csv --format own", importing, "_store"),
    ("find_contradictions", contradictions, "run_classifier"),
    ("model_versions publish made", FileSystemStorage, "save"),
    ("model_versions import made --name bought", checkpoints, "run_classifier"),
    ("model_versions export small@2 out", version_exporting.shutil, "copyfile"),
    ("model_versions export small@2 out.tar", version_exporting.hashlib, "sha256"),
)
"""(command, where in its midst the signal comes)."""


@pytest.mark.parametrize(("line", "where", "name"), MIDST, ids=[line for line, _, _ in MIDST])
def test_a_command_that_is_ended_leaves_nothing_half_written(
    line: str, where: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_version(tmp_path / "other", "2")
    run_command("model_versions", "publish", str(tmp_path / "other"))
    before = _stored(tmp_path)
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as ending:
        ending.setattr(where, name, _once_begun(getattr(where, name), name))
        with pytest.raises(SystemExit) as ended:
            run_command(*line.split())
    assert ended.value.code == 143
    assert _stored(tmp_path) == before
    assert not Lease.objects.exclude(token=None).exists()
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


def _once_begun(does: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Have the signal come when the first file is there, where several are written."""
    calls = 0

    def ends(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if name in ("save", "copyfile") and calls == 1:
            return does(*given, **named)
        return terminated()

    return ends


def _stored(tmp_path: Path) -> Any:
    cache = tmp_path / "cache"  # its folders for trainings are made by whoever needs them first
    files = sorted(set(tmp_path.rglob("*")) - {cache, *cache.glob("retraining"), *cache.glob("retraining/*")})
    tables = (ModelVersion, AuditEntry, Screening)
    return [list(table.objects.order_by("pk").values()) for table in tables], files
