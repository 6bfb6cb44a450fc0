"""When a training begins by itself, and what becomes of one that somebody asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from moderation import tasks
from moderation.models import AuditEntry, Review, Screening, TrainingRun
from moderation.retraining import retrain, schedule
from moderation.retraining.refusals import Refused

pytestmark = pytest.mark.django_db
RUNS = "/admin/moderation/trainingrun/"


def decide(count: int) -> None:
    for _ in range(count):
        screening = Screening.objects.create(text="x", text_key="0" * 64, source=Screening.Source.SUGGESTION)
        Review.objects.create(
            screening=screening,
            number=1,
            kind=Review.Kind.DECISION,
            decision=Review.Decision.FALSE_POSITIVE,
            outcome=Screening.Outcome.SHOW,
        )


def set_needed(settings: Any, number: int) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETRAIN_AFTER": number}


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of who asked for each training; none is carried out."""
    begun: list[str] = []

    def train(options: retrain.Options, *, user: Any = None, username: str = "", **_: Any) -> None:
        begun.append(username)
        TrainingRun.objects.create(status=TrainingRun.Status.DONE, started=timezone.now())

    monkeypatch.setattr(retrain, "retrain", train)
    return begun


def test_a_training_is_due_after_enough_decisions_since_the_last(settings: Any, trainings: list[str]) -> None:
    set_needed(settings, 3)
    decide(2)
    assert schedule.due() == schedule.Due(False, 2, 3, "too-few-decisions")
    tasks.retrain()
    assert trainings == []
    decide(1)
    assert schedule.due().is_due
    tasks.retrain()
    assert trainings == ["schedule"]
    assert schedule.due() == schedule.Due(False, 0, 3, "too-few-decisions")


def test_undos_and_second_opinions_are_no_decisions(settings: Any) -> None:
    set_needed(settings, 2)
    decide(1)
    decision = Review.objects.get()
    Review.objects.create(
        screening=decision.screening, number=2, kind=Review.Kind.UNDO, undoes=decision, outcome=""
    )
    assert schedule.due().new_decisions == 1


def test_nothing_trains_by_itself_where_the_site_says_so(settings: Any, trainings: list[str]) -> None:
    set_needed(settings, 0)
    decide(1)
    assert schedule.due().why_not == "off"
    tasks.retrain()
    assert trainings == []


def test_after_a_failure_the_schedule_waits_a_day(settings: Any) -> None:
    set_needed(settings, 1)
    decide(1)
    failed = TrainingRun.objects.create(status=TrainingRun.Status.FAILED, error_code="killed")
    assert schedule.due().why_not == "failed-lately"
    TrainingRun.objects.filter(pk=failed.pk).update(created=timezone.now() - timedelta(hours=25))
    assert schedule.due().is_due


def manager() -> tuple[User, Client]:
    user = User.objects.create_user("mia", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["manage_versions", "view_trainingrun"]))
    client = Client()
    client.force_login(user)
    return user, client


def test_who_answers_for_the_model_asks_for_a_training_and_gets_one(
    settings: Any, trainings: list[str]
) -> None:
    set_needed(settings, 0)
    _, client = manager()
    assert "Train now" in client.get(RUNS).content.decode()
    for _ in range(2):
        assert client.post(f"{RUNS}ask/").status_code == 302
    (queued,) = TrainingRun.objects.all()
    assert (queued.status, queued.started_by_name) == (TrainingRun.Status.QUEUED, "mia")
    assert [entry.username for entry in AuditEntry.objects.filter(action="training.asked")] == ["mia"]
    tasks.retrain()
    assert trainings == ["mia"]
    assert [run.status for run in TrainingRun.objects.all()] == [TrainingRun.Status.DONE]


def test_what_was_asked_for_is_done_when_a_killed_run_was_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed = TrainingRun.objects.create(status=TrainingRun.Status.RUNNING)
    asked = schedule.ask(User.objects.create_superuser("olga"))

    def go_on(*_: Any, **__: Any) -> None:
        TrainingRun.objects.filter(pk=killed.pk).update(status=TrainingRun.Status.DONE)

    monkeypatch.setattr(retrain, "retrain", go_on)
    tasks.retrain()
    assert list(TrainingRun.objects.values_list("pk", "status")) == [(killed.pk, "done")]
    assert not TrainingRun.objects.filter(pk=asked.pk).exists()


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ZeroDivisionError("a text"), "failed", "error:ZeroDivisionError"),
        (OperationalError("a text"), "queued", ""),
    ],
)
def test_what_was_asked_for_is_not_tried_again_and_again_by_an_error_that_stays(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: str, code: str
) -> None:
    asked = schedule.ask(User.objects.create_superuser("olga"))

    def break_down(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(retrain, "retrain", break_down)
    tasks.retrain()
    asked.refresh_from_db()
    assert (asked.status, asked.error_code) == (status, code)


def test_others_see_the_runs_and_start_none() -> None:
    user = User.objects.create_user("vic", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_trainingrun"))
    client = Client()
    client.force_login(user)
    assert "Train now" not in client.get(RUNS).content.decode()
    assert client.post(f"{RUNS}ask/").status_code == 403
    assert client.get(f"{RUNS}ask/").status_code == 302
    assert not TrainingRun.objects.exists()


def test_what_was_refused_stands_at_the_run_that_was_asked_for(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_needed(settings, 0)
    user, _ = manager()

    def refuse(code: str) -> None:
        def train(*_: Any, **__: Any) -> None:
            raise Refused(code, "Review more.")

        monkeypatch.setattr(retrain, "retrain", train)

    schedule.ask(user)
    refuse("already-running")
    tasks.retrain()
    assert TrainingRun.objects.get().status == TrainingRun.Status.QUEUED
    refuse("nothing-reviewed")
    tasks.retrain()
    run = TrainingRun.objects.get()
    assert (run.status, run.error_code) == (TrainingRun.Status.FAILED, "nothing-reviewed")
    assert run.finished is not None


def test_a_running_one_says_how_far_it_is() -> None:
    _, client = manager()
    TrainingRun.objects.create(
        status=TrainingRun.Status.RUNNING,
        progress={"stage": "training", "step": 12, "steps": 40, "seconds_left": 130},
    )
    page = client.get(RUNS).content.decode()
    assert "training, step 12 of 40, about 2 minutes left" in page


def test_the_task_has_a_queue_of_its_own() -> None:
    assert tasks.retrain.queue == "training"


def test_an_error_of_the_database_is_logged_without_its_message(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> bool:
        raise RuntimeError("a text of somebody")

    monkeypatch.setattr(schedule, "run_what_is_wanted", fail)
    tasks.retrain()
    assert "RuntimeError" in caplog.text and "somebody" not in caplog.text
