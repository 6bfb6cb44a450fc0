"""One row that raises, wherever and whatever, never stops the others; it ends before a person."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from django.test import Client

from moderation import registry, signals, tasks
from moderation.conf import conf
from moderation.discovery.search import blank_gone, remember_starts
from moderation.models import ModelVersion, Screening
from moderation.models.content_types import content_type_of
from moderation.row_errors import stepping_over
from moderation.worker.drain import drain
from moderation.worker.sweep import sweep
from tests.forum.models import Letter, Post, Riddle, Secret
from tests.forum.rules import NOBODYS, NoException
from tests.moderation.conftest import by_words, load_by_words, run_command, scores_with, screen

pytestmark = [pytest.mark.regression("H1"), pytest.mark.django_db]

TOXIC = "I will kill you"
LEAK = "kestrel"
"""A word of the texts, and of every message that is raised."""


def _damaged_secret() -> Any:
    secret = Secret.objects.create(body="fine")
    Secret._base_manager.filter(pk=secret.pk).update(body=f"BROKEN {LEAK}")
    return secret.pk


def _riddle(trouble: str) -> Any:
    riddle = Riddle.objects.create(words=LEAK)
    Riddle._base_manager.filter(pk=riddle.pk).update(trouble=trouble)
    return riddle.pk


def _whose_relation_is_gone() -> Any:
    riddle = Riddle.objects.create(words=LEAK)
    Riddle._base_manager.filter(pk=riddle.pk).update(trouble="related", teller=987654)
    return riddle.pk


def _with_a_key_of_old() -> Any:
    """Screened when the model's key was a number; it is a UUID now."""
    entry = registry.get("forum.Note")
    assert entry is not None
    row = Screening.objects.create(
        content_type=content_type_of(entry.model), object_id="123", field="text", text=LEAK, text_key="ab"
    )
    return row.object_id


ROWS: dict[str, Callable[[], Any]] = {
    "field that can't be decrypted": _damaged_secret,
    "property that raises": lambda: _riddle("property"),
    "related row that is gone": _whose_relation_is_gone,
    "exception that is no Exception": lambda: _riddle("no exception"),
    "key that its model can't hold": _with_a_key_of_old,
}


@pytest.fixture(params=ROWS.values(), ids=ROWS)
def bad(request: pytest.FixtureRequest, version: ModelVersion) -> str:
    """The key of an object whose pending text can't be compared with what is live."""
    return str(request.param())


def test_row_that_raises_ends_before_a_person_and_the_others_are_screened(
    bad: str, caplog: pytest.LogCaptureFixture, admin_client: Client
) -> None:
    posts = [Post.objects.create(body=f"{TOXIC} {number}") for number in range(40)]
    for _ in range(3):
        screen()
        Screening.objects.pending().update(retry_at=None)
    assert Screening.objects.filter(verdict="held").count() == len(posts)
    assert not Post.objects.filter(is_visible=True).exists()
    row = Screening.objects.get(object_id=bad, content_type__model__in=["secret", "riddle", "note"])
    assert (row.status, row.queued_for, row.attempts, row.deaths) == ("failed", "failed", 3, 0)
    assert row.error_code.startswith("reading-error:") and LEAK not in row.error_code
    assert str(row.pk) in caplog.text and LEAK not in caplog.text
    assert admin_client.get("/admin/moderation/screening/").status_code == 200
    assert admin_client.get(f"/admin/moderation/screening/{row.pk}/change/").status_code == 200


def test_sweep_and_command_survive_a_row_that_raises(
    bad: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODERATION = {**settings.MODERATION, "COMPARE_HOURS": 0}
    scores_with(monkeypatch, by_words)
    Post.objects.create(body=TOXIC)
    sweep(load=load_by_words)
    Post.objects.create(body=TOXIC)
    assert "screened: 1" in run_command("screen_pending")
    assert Screening.objects.filter(verdict="held").count() == 2


@pytest.mark.parametrize(
    "trouble", ["property", "related", "no exception"], ids=["Exception", "DoesNotExist", "BaseException"]
)
def test_object_that_no_receiver_saw_and_nobody_can_read_stands_in_the_queue(
    version: ModelVersion, trouble: str
) -> None:
    remember_starts()
    Riddle.objects.bulk_create([Riddle(words=TOXIC, trouble=trouble, teller_id=987654), Riddle(words=TOXIC)])
    sweep(load=load_by_words)
    bad, good = Riddle._base_manager.order_by("pk")
    assert (bad.is_public, good.is_public) == (True, False)
    row = Screening.objects.open().get(object_id=str(bad.pk), content_type__model="riddle")
    assert (row.status, row.text) == ("failed", "")


def test_object_that_can_be_read_again_is_screened(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "COMPARE_HOURS": 0}
    remember_starts()
    Riddle.objects.bulk_create([Riddle(words=TOXIC, trouble="property")])
    sweep(load=load_by_words)
    Riddle._base_manager.update(trouble="")
    for _ in range(3):
        sweep(load=load_by_words)
    row = Screening.objects.get(is_current=True, content_type__model="riddle")
    assert (row.text, row.verdict) == (TOXIC, "held")
    assert not Riddle.objects.get().is_public


@pytest.mark.parametrize("error", [ValueError(LEAK), NoException(LEAK)], ids=["Exception", "BaseException"])
def test_receiver_that_raises_costs_nobody_a_verdict(
    version: ModelVersion, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def receive(screening: Screening, **_: Any) -> None:
        raise error

    signals.screening_scored.connect(receive)
    try:
        for number in range(3):
            Post.objects.create(body=f"{TOXIC} {number}")
        assert screen().verdicts == {"held": 3}
    finally:
        signals.screening_scored.disconnect(receive)
    assert type(error).__name__ in caplog.text and LEAK not in caplog.text


def test_save_whose_text_can_t_be_read_succeeds(version: ModelVersion) -> None:
    riddle = Riddle.objects.create(words=TOXIC, trouble="no exception")
    assert Riddle._base_manager.filter(pk=riddle.pk).exists()


def test_row_that_can_t_be_stored_is_told_from_its_neighbours(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is that storing this one row raises."""
    from moderation.screening import store as module

    judge = module.policies.judge

    def judge_but_one(scores: Any, thresholds: Any) -> Any:
        if scores["toxic"] > 0.9:
            raise KeyError("kill")
        return judge(scores, thresholds)

    monkeypatch.setattr(module.policies, "judge", judge_but_one)
    for text in ("hello", TOXIC, "what an idiot"):
        Letter.objects.create(text=text)
    done = screen()
    assert (done.verdicts, done.failures) == ({"clear": 1, "flagged": 1}, 1)
    assert Screening.objects.get(text=TOXIC).error_code == "storing-error:KeyError"


def test_control_of_the_process_is_never_pinned_on_a_row() -> None:
    def work(items: Any) -> None:
        raise error

    for error in (KeyboardInterrupt(), SystemExit(), OperationalError(), MemoryError()):
        with pytest.raises(type(error)):
            list(stepping_over(work, [uuid.uuid4()], lambda *_: pytest.fail("was blamed")))


@pytest.mark.parametrize("trouble", NOBODYS)
def test_what_is_no_row_s_fault_is_counted_against_none_and_stops_nobody(
    version: ModelVersion, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a column that a release reads before it is migrated, or another database of the site's."""
    key = _riddle(trouble)
    for _ in range(4):
        Post.objects.create(body=TOXIC)
        assert screen().verdicts == {"held": 1}
        Screening.objects.pending().update(retry_at=None)
    row = Screening.objects.pending().get(object_id=str(key))
    assert (row.attempts, row.deaths, row.lease_token, row.error_code) == (0, 0, None, "")
    assert f"Screening {row.pk}" in caplog.text and LEAK not in caplog.text
    Riddle._base_manager.update(trouble="")
    assert screen().scored == 1


def test_what_could_not_be_read_for_a_while_is_screened_once_it_can(
    version: ModelVersion, settings: Any
) -> None:
    """Such as the comments of a worker that lacked the key to decrypt them: their texts did not change."""
    remember_starts()
    riddle = Riddle.objects.create(words=TOXIC)
    Riddle._base_manager.update(trouble="property")
    for _ in range(3):
        screen()
        Screening.objects.pending().update(retry_at=None)
    assert Screening.objects.open().get().status == "failed"
    settings.MODERATION = {**settings.MODERATION, "COMPARE_HOURS": 0}
    sweep(load=load_by_words)
    assert Screening.objects.open().get().status == "failed"
    Riddle._base_manager.update(trouble="")
    sweep(load=load_by_words)
    assert Screening.objects.get().verdict == "held"
    assert not Riddle.objects.get(pk=riddle.pk).is_public


def test_system_exit_of_a_row_ends_no_worker_s_sweeps(version: ModelVersion) -> None:
    """In the main thread it is a signal's; in a sweeper's it can only be the site's code."""
    blamed: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        if 2 in items:
            sys.exit(LEAK)
        return list(items)

    def run() -> None:
        done.extend(stepping_over(work, [1, 2, 3], lambda item, error: blamed.append(item)))

    done: list[list[int]] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert (done, blamed) == ([[1], [3]], [2])


def test_comparing_everything_by_hand_steps_over_a_row_that_raises(version: ModelVersion) -> None:
    _damaged_secret()
    gone = Secret.objects.create(body="bye")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM forum_secret WHERE id = %s", [gone.pk])
    assert blank_gone() == 1


def test_time_limit_of_a_task_is_no_fault_of_the_text_at_hand(version: ModelVersion) -> None:
    """Also where it runs out while one text is scored alone."""
    Post.objects.create(body="hello")
    Post.objects.create(body="slow")

    def score(texts: Sequence[str]) -> list[dict[str, float]]:
        if "slow" in texts:
            raise SoftTimeLimitExceeded if len(texts) == 1 else ValueError
        return by_words(texts)

    with pytest.raises(SoftTimeLimitExceeded):
        drain(load=lambda version: score)
    rows = Screening.objects.values_list("status", "attempts", "deaths", "lease_token")
    assert set(rows) == {("pending", 0, 0, None)}


@pytest.mark.regression("D8")
def test_time_limits_of_a_site_s_tasks_are_not_those_of_screening() -> None:
    assert tasks.drain.soft_time_limit > 10 * conf.LEASE_SECONDS
    assert tasks.drain.time_limit > tasks.drain.soft_time_limit
