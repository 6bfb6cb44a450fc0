"""The commands, with the default model version as it is shipped, and who the audit trail says ran them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import OperationalError

from moderation.coordination import heartbeat
from moderation.discovery.search import remember_starts
from moderation.management.commands import screen_pending
from moderation.management.system_user import system_user
from moderation.models import AuditEntry, ModelVersion, Scoring, Screening
from moderation.monitoring import figures
from moderation.worker.sweep import Swept
from tests.forum.models import Note, Post
from tests.forum.rules import NoException
from tests.moderation.conftest import by_words, make_version, run_command, scores_with, screen

pytestmark = pytest.mark.django_db


def test_screen_pending_screens_with_the_shipped_model_and_counts() -> None:
    for text in ("Thank you, that was helpful.", "You are a fucking idiot, shut up."):
        Post.objects.create(body=text)
    printed = run_command("screen_pending")
    assert "screened: 2" in printed
    assert "still pending: 0" in printed
    assert [row.verdict == "clear" for row in Screening.objects.order_by("id")] == [True, False]
    version = ModelVersion.objects.get(is_active=True)
    assert set(Scoring.objects.values_list("model_version", flat=True)) == {version.pk}
    assert set(Scoring.objects.first().scores) == set(version.labels)  # type: ignore[union-attr]


def test_screen_pending_once_takes_one_batch(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 2}
    for number in range(3):
        Post.objects.create(body=f"text {number}")
    assert "screened: 2" in run_command("screen_pending", "--once")
    assert Screening.objects.pending().count() == 1


def test_screen_pending_existing_screens_what_was_there_before() -> None:
    run_command("screen_pending")
    Post.objects.bulk_create([Post(body="old")])
    from moderation.models import Discovery

    Discovery.objects.update(start=10**9, watermark=10**9, seen=10**9)
    assert "found: 0" in run_command("screen_pending")
    assert "found: 1" in run_command("screen_pending", "--existing")


def test_screen_pending_without_a_model_says_so_and_leaves_everything_pending() -> None:
    version = make_version("1", is_active=True)
    Post.objects.create(body="hello")
    with pytest.raises(CommandError, match="model is not ready"):
        run_command("screen_pending")
    assert Screening.objects.pending().count() == 1
    assert not Scoring.objects.filter(model_version=version).exists()


@pytest.mark.regression("D8")
@pytest.mark.parametrize("arguments", [["screen_pending", "--existing"], ["rescreen", "--existing"]])
@pytest.mark.parametrize("fails", [False, True])
def test_a_command_that_has_ended_counts_as_no_worker(
    arguments: list[str], fails: bool, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_words_and_seen(texts: Sequence[str]) -> list[dict[str, float]]:
        seen.append(len(figures.read().workers))
        if fails:
            raise OSError
        return by_words(texts)

    seen: list[int] = []
    scores_with(monkeypatch, by_words_and_seen)
    Post.objects.bulk_create([Post(body="was there before")])
    remember_starts()
    heartbeat.beat(at_once=True)
    with pytest.raises(CommandError) if fails else nullcontext():
        run_command(*arguments)
    assert seen and seen[0] == 1
    assert figures.read().workers == ()


class _LoopIsOver(KeyboardInterrupt):
    """Ctrl-C."""


@pytest.mark.regression("D8")
def test_the_loop_screens_between_its_sweeps_and_survives_what_a_sweep_does(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    scores_with(monkeypatch, by_words)
    settings.MODERATION = {**settings.MODERATION, "SWEEP_SECONDS": 3600}
    monkeypatch.setattr(screen_pending, "close_old_connections", lambda: None)
    steps: list[str] = []
    sweeps: list[float | None] = []

    def sweep(**options: Any) -> Swept:
        sweeps.append(options["seconds"])
        return real_sweep(**options)

    def sleep(seconds: float) -> None:
        steps.append(f"{seconds:g}")
        if len(steps) == 1:
            Post.objects.create(body="you idiot")
        elif len(steps) == 2:
            assert Screening.objects.get().verdict == "flagged"
            monkeypatch.setattr(screen_pending, "is_backlog", broken)
        elif len(steps) == 3:  # after the error, until the next sweep
            monkeypatch.setattr(screen_pending, "is_backlog", real_is_backlog)
            Post.objects.create(body="I kill you")
        else:
            assert Screening.objects.filter(verdict="held").exists()
            raise _LoopIsOver

    def broken(texts: int) -> bool:
        raise RuntimeError("secret")

    real_sweep, real_is_backlog = screen_pending.sweep, screen_pending.is_backlog
    monkeypatch.setattr(screen_pending, "sweep", sweep)
    monkeypatch.setattr(screen_pending.time, "sleep", sleep)
    run_command("screen_pending", "--loop")
    assert steps == ["1", "1", "3600", "1"]
    assert sweeps == [3600, 3600]
    assert "A sweep failed (RuntimeError)" in caplog.text and "secret" not in caplog.text


@pytest.mark.regression("H1")
def test_the_loop_survives_whatever_a_sweep_raises(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODERATION = {**settings.MODERATION, "SWEEP_SECONDS": 0.01}
    monkeypatch.setattr(screen_pending, "close_old_connections", lambda: None)
    errors = [ValueError("secret"), NoException("secret"), OperationalError("secret"), MemoryError("secret")]
    left = iter([*errors, _LoopIsOver()])

    def sweep(**options: Any) -> Swept:
        raise next(left)

    monkeypatch.setattr(screen_pending, "sweep", sweep)
    run_command("screen_pending", "--loop")
    assert next(left, None) is None
    for error in errors:
        assert f"A sweep failed ({type(error).__name__})" in caplog.text
    assert "secret" not in caplog.text


def test_rescreen_prints_counts_first_and_acts_only_when_told_to() -> None:
    Note.objects.create(text="You are a fucking idiot, shut up.")
    old = make_version("old", is_active=True)
    screen()
    ModelVersion.objects.filter(pk=old.pk).update(is_active=False)
    printed = run_command("rescreen")
    assert printed.startswith("1 screening(s) to score with ")
    assert "clear -> " in printed or "flagged -> " in printed
    assert "Nothing was changed" in printed
    assert Screening.objects.get().basis().model_version == old  # type: ignore[union-attr]
    assert "Acting:" in run_command("rescreen", "--act")
    assert Screening.objects.get().basis().model_version != old  # type: ignore[union-attr]


def test_rescreen_with_an_unknown_version_says_what_lists_them() -> None:
    with pytest.raises(CommandError, match="model_versions"):
        run_command("rescreen", "--model", "nothing@1")


def test_the_audit_trail_names_the_system_user_behind_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    run_command("model_versions", "list")
    old = make_version("old", is_active=False)
    monkeypatch.setattr("moderation.versions.store.local_directory", lambda version: None)
    run_command("model_versions", "activate", str(old))
    run_command("model_versions", "rollback")
    names = AuditEntry.objects.order_by("id").values_list("action", "username")
    assert list(names) == [
        ("model.activated", ""),
        ("model.activated", "ann (system)"),
        ("model.rolled_back", "ann (system)"),
    ]


def test_a_system_user_without_a_name_is_named_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert system_user().startswith("uid ")
