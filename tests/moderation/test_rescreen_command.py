"""`manage.py rescreen` as an operator meets it: what it prints, refuses, and outlives."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import OperationalError

from moderation.models import Lease, ModelVersion, ScreeningRun
from moderation.rescreening import rescreen as rescreening
from moderation.rescreening import runs
from tests.forum.models import Post
from tests.moderation.conftest import by_words, run_command, scores_with, screen
from tests.moderation.test_rescreen import notes, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_batches")]
RESCREEN = ScreeningRun.Kind.RESCREEN


@pytest.fixture
def by_word_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every version scores by words, however it is loaded."""
    scores_with(monkeypatch, by_words)


def test_it_says_what_there_is_to_do_what_was_done_and_by_whom(
    candidate: ModelVersion, by_word_models: None
) -> None:
    notes(5)
    printed = run_command("rescreen", "--model", "test@2")
    assert printed.startswith("5 screening(s) to score with test@2.")
    assert "Scored 5 in" in printed
    assert "is finished" in printed
    assert "clear -> clear: 5" in printed
    assert "Nothing was changed" in printed
    assert ScreeningRun.objects.get().started_by_name.endswith("(system)")
    assert Lease.objects.get(name=runs.LEASE).token is None


def test_it_goes_on_with_an_unfinished_run(candidate: ModelVersion, by_word_models: None) -> None:
    notes(12)
    assert "is not finished" in run_command("rescreen", "--model", "test@2", "--limit", "7")
    printed = run_command("rescreen", "--model", "test@2")
    assert printed.startswith("5 screening(s) to score")
    assert "Going on with run" in printed
    assert ScreeningRun.objects.get().scored == 12


def test_json_is_one_object_and_nothing_else(candidate: ModelVersion, by_word_models: None) -> None:
    notes(3)
    found = json.loads(run_command("rescreen", "--model", "test@2", "--json", "--act", "--yes"))
    (run,) = found["runs"]
    assert (run["scored"], run["is_finished"], run["failures"]) == (3, True, {})
    assert found["acted"]["changes"] == {"clear -> clear": 3}


def test_a_dry_run_writes_nothing(candidate: ModelVersion, by_word_models: None) -> None:
    notes(3)
    assert "3 screening(s)" in run_command("rescreen", "--model", "test@2", "--dry-run", "--act")
    assert not ScreeningRun.objects.exists()
    assert said(candidate) == []


def test_ctrl_c_ends_it_after_the_chunk_at_hand(
    candidate: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes(20)

    def interrupted(texts: Sequence[str]) -> list[dict[str, float]]:
        signal.raise_signal(signal.SIGINT)
        return by_words(texts)

    scores_with(monkeypatch, interrupted)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit):
        run_command("rescreen", "--model", "test@2")
    assert signal.getsignal(signal.SIGINT) is before
    assert len(said(candidate)) == ScreeningRun.objects.get().scored == 1
    assert Lease.objects.get(name=runs.LEASE).token is None


def test_it_outlives_a_restart_of_the_database(
    candidate: ModelVersion, by_word_models: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes(20)
    monkeypatch.setattr("moderation.management.interruptions.time.sleep", lambda seconds: None)
    real, calls = rescreening.create_scorings, []

    def create(*arguments: Any, **options: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("the database system is shutting down")
        real(*arguments, **options)

    monkeypatch.setattr(rescreening, "create_scorings", create)
    printed = run_command("rescreen", "--model", "test@2")
    assert "The database failed (OperationalError); trying again." in printed
    assert "shutting down" not in printed
    assert len(said(candidate)) == 20


@pytest.mark.parametrize(
    "wrong",
    [
        ("--since", "soon"),
        ("--since", "2026-02-31"),
        ("--model-label", "forum.Nothing"),
        ("--limit", "0"),
        ("--share", "1.5"),
        ("--per-second", "0"),
        ("--existing", "--act"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(version: ModelVersion, wrong: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run_command("rescreen", *wrong)


def test_a_model_may_be_named_in_lower_case(candidate: ModelVersion, by_word_models: None) -> None:
    notes(2)
    Post.objects.create(body="a post")
    screen()
    assert run_command("rescreen", "--model", "test@2", "--model-label", "forum.note").startswith("2 ")
