"""A long run that is killed, again and again, with the shipped model: it ends with every text scored once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from moderation.discovery.search import remember_starts
from moderation.models import ModelVersion, Scoring, Screening, ScreeningRun
from moderation.versions import store
from tests.conftest import uses_postgresql
from tests.faults.workers import PATIENCE, ROOT
from tests.forum.models import Letter
from tests.moderation.conftest import make_version, screen

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 60
TEXT = "Thank you for the friendly answer, that was helpful. " * 6
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Starts `manage.py rescreen` with arguments; whatever is left of it dies with the test."""
    if uses_postgresql():
        database = request.getfixturevalue("postgres_server").url(connection.settings_dict["NAME"])
    else:
        database = f"sqlite:///{connection.settings_dict['NAME']}"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.faults.rescreen_settings",
        "DATABASE_URL": database,
        "OMP_NUM_THREADS": "1",
    }

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(ROOT / "manage.py"), "rescreen", *arguments]
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        request.addfinalizer(process.kill)
        return process

    return begin


def wait_until(happens: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happens() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_after(process: subprocess.Popen[bytes], happens: Callable[[], bool], number: signal.Signals) -> int:
    wait_until(happens, process)
    process.send_signal(number)
    return process.wait(PATIENCE)


@pytest.fixture
def shipped(db: None) -> ModelVersion:
    """The shipped version, while another one is active and has screened everything."""
    shipped = store.active_version()
    ModelVersion.objects.update(is_active=False)
    make_version("old", is_active=True)
    for number in range(COUNT):
        Letter.objects.create(text=f"{TEXT} {number}")
    screen()
    return shipped


def test_a_rescreening_that_is_killed_again_and_again_scores_every_text_once(
    start: Start, shipped: ModelVersion
) -> None:
    scored = Scoring.objects.filter(model_version=shipped)
    codes = []
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        before = scored.count()
        process = start("--model", str(shipped), "--per-second", "8")
        codes.append(kill_after(process, lambda before=before: scored.count() > before, number))  # type: ignore[misc]
    assert codes == [-signal.SIGKILL, 130, -signal.SIGKILL]
    assert 0 < scored.count() < COUNT
    assert start("--model", str(shipped)).wait(PATIENCE) == 0
    run = ScreeningRun.objects.get()
    assert (run.scored, run.passed, scored.count()) == (COUNT, COUNT, COUNT)
    assert run.finished is not None


def test_a_first_screening_that_is_killed_leaves_nothing_out(start: Start) -> None:
    Letter.objects.bulk_create(Letter(text=f"{TEXT} {number}") for number in range(COUNT))
    remember_starts()
    done = Screening.objects.filter(status="done")
    for _ in range(2):
        before = done.count()
        process = start("--existing", "--per-second", "10")
        kill_after(process, lambda before=before: done.count() > before, signal.SIGKILL)  # type: ignore[misc]
    # What the killed ones had claimed is theirs until their lease runs out.
    Screening.objects.update(lease_until=None)
    assert start("--existing").wait(PATIENCE) == 0
    assert (done.count(), Screening.objects.count()) == (COUNT, COUNT)
    assert not ScreeningRun.objects.filter(finished=None).exists()


def test_two_at_once_are_one_too_many(start: Start, shipped: ModelVersion) -> None:
    first = start("--model", str(shipped), "--per-second", "0.2")
    wait_until(lambda: ScreeningRun.objects.exists(), first)
    assert start("--model", str(shipped)).wait(PATIENCE) == 2
    assert first.poll() is None
    assert kill_after(first, lambda: True, signal.SIGTERM) == 130
