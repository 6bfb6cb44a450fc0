"""`rescreen`: goes on where it was, keeps out of the way, and costs the same for each chunk."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import IntegrityError, OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.coordination import processes
from moderation.models import LabelScore, Lease, ModelVersion, Scoring, Screening, ScreeningRun
from moderation.rescreening import rescreen as rescreening
from moderation.rescreening import runs
from moderation.rescreening.rescreen import rescreen
from moderation.rescreening.runs import AlreadyRunning, RunLease, Scope, TakenOver
from moderation.rescreening.throttle import Throttle
from moderation.screening.scorer import ModelNotReady, Scorer
from moderation.versions.active import languages_of
from tests.forum.models import Note, Post
from tests.moderation.conftest import by_words, load_by_words, run_command, screen

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_batches")]
RESCREEN = ScreeningRun.Kind.RESCREEN


@pytest.fixture
def lease(db: None) -> RunLease:
    return RunLease(runs._take(print))


def notes(count: int, text: str = "text") -> None:
    for number in range(count):
        Note.objects.create(text=f"{text} {number}")
    screen()


def said(version: ModelVersion) -> list[int]:
    """Ids of what the version was asked about, in the order of the answers."""
    rows = Scoring.objects.filter(model_version=version, purpose="rescreen").order_by("id")
    return list(rows.values_list("screening_id", flat=True))


def begin(version: ModelVersion, **scope: Any) -> ScreeningRun:
    return rescreening.begin(Scope(RESCREEN, version, **scope))


def constant(toxic: float) -> Callable[[ModelVersion], Scorer]:
    """A loader whose scorer finds the same in every text."""
    return lambda version: lambda texts: [{"toxic": toxic, "threat": 0.0, "insult": 0.0} for _ in texts]


def go(run: ScreeningRun, lease: RunLease, **options: Any) -> bool:
    return rescreen(run, lease, **{"throttle": Throttle(), "load": load_by_words, **options})


def test_every_current_text_is_scored_once_and_nothing_else_changes(
    candidate: ModelVersion, lease: RunLease
) -> None:
    notes(20)
    before = list(Screening.objects.order_by("id").values())
    run = begin(candidate)
    assert go(run, lease, load=constant(0.97))
    assert said(candidate) == [row["id"] for row in before]
    assert list(Screening.objects.order_by("id").values()) == before
    assert LabelScore.objects.filter(scoring__model_version=candidate, label="toxic").count() == 20
    run.refresh_from_db()
    assert (run.scored, run.passed, run.total, run.failures) == (20, 20, 20, {})
    assert run.changes == {"clear -> held": 20}
    assert run.finished is not None


def test_a_version_that_has_said_something_of_it_is_not_asked_again(
    candidate: ModelVersion, lease: RunLease
) -> None:
    notes(9)
    go(begin(candidate), lease)
    notes(3, "newer")
    run = begin(candidate)
    assert go(run, lease)
    assert (run.scored, run.passed, len(said(candidate))) == (3, 12, 12)
    active = ModelVersion.objects.get(is_active=True)
    run = begin(active)
    assert go(run, lease)
    assert (run.scored, said(active)) == (0, [])


def test_a_run_that_was_stopped_goes_on_and_does_nothing_twice(
    candidate: ModelVersion, lease: RunLease
) -> None:
    notes(21)
    throttle, asked = Throttle(), 0

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            nonlocal asked
            asked += len(texts)
            if asked == 11:
                throttle.stop.set()
            return by_words(texts)

        return score

    run = begin(candidate)
    assert not go(run, lease, load=load, throttle=throttle)
    assert (run.scored, run.finished) == (11, None)
    again = begin(candidate)
    assert again.pk == run.pk
    assert go(again, lease)
    assert (again.scored, again.passed) == (21, 21)
    assert len(said(candidate)) == len(set(said(candidate))) == 21


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OperationalError(), MemoryError()])
def test_a_run_that_died_in_mid_chunk_loses_that_chunk_only(
    candidate: ModelVersion, lease: RunLease, error: BaseException
) -> None:
    notes(20)
    seen: list[str] = []

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            seen.extend(texts)
            if len(seen) == 11:
                raise error
            return by_words(texts)

        return score

    with pytest.raises((type(error), ModelNotReady)):
        go(begin(candidate), lease, load=load)
    assert len(said(candidate)) == ScreeningRun.objects.get().scored == ScreeningRun.objects.get().passed == 8
    run = begin(candidate)
    assert go(run, lease)
    assert (run.scored, len(said(candidate))) == (20, 20)


def test_what_is_not_committed_is_not_remembered_either(
    candidate: ModelVersion, lease: RunLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes(8)
    run = begin(candidate)
    with monkeypatch.context() as patch:
        patch.setattr(rescreening, "create_scorings", _raise(OperationalError()))
        with pytest.raises(OperationalError):
            go(run, lease)
    assert (run.position, run.scored, said(candidate)) == ("", 0, [])
    assert go(run, lease)
    assert run.scored == 8


def _raise(error: Exception) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


def test_a_limit_is_kept_and_the_next_call_goes_on(candidate: ModelVersion, lease: RunLease) -> None:
    notes(20)
    run = begin(candidate)
    assert [go(run, lease, limit=9), run.scored] == [False, 9]
    assert [go(run, lease, limit=9), run.scored] == [False, 18]
    assert [go(run, lease, limit=9), run.scored] == [True, 20]


def test_an_error_of_one_text_is_counted_and_is_not_its_neighbours(
    candidate: ModelVersion, lease: RunLease
) -> None:
    notes(3)
    notes(1, "poison")
    notes(3)

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            if any("poison" in text for text in texts):
                raise ValueError(texts)
            return by_words(texts)

        return score

    run = begin(candidate)
    assert go(run, lease, load=load)
    assert (run.scored, run.failures) == (6, {"scoring-error:ValueError": 1})


@pytest.mark.django_db(transaction=True)
def test_a_row_that_can_not_be_stored_is_counted_and_is_not_its_neighbours(
    candidate: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes(8)
    poor = Screening.objects.order_by("id")[3]
    real = rescreening.create_scorings

    def create(judged: Any, *arguments: Any, **options: Any) -> None:
        real(judged, *arguments, **options)
        if any(row.pk == poor.pk for row, *_ in judged):
            raise IntegrityError("a row of the database")

    monkeypatch.setattr(rescreening, "create_scorings", create)
    run = begin(candidate)
    assert go(run, RunLease(runs._take(print)))
    assert (run.scored, run.passed, run.failures) == (7, 8, {"storing-error:IntegrityError": 1})
    assert poor.pk not in said(candidate)


def test_a_chunk_costs_the_same_number_of_queries_however_many_rows_and_wherever_it_is(
    candidate: ModelVersion, lease: RunLease, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 100}
    notes(150)

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            go(run, lease, limit=count)
        # A look at what was just saved, before each slice, does not belong to the chunk.
        return sum('"priority" >=' not in query["sql"] for query in queries)

    languages_of(candidate)  # a process reads a version's manifest once
    run = begin(candidate)
    few, many, late = queries(10), queries(60), queries(60)
    assert few == many == late
    assert many < 20
    assert len(said(candidate)) == 130


def test_only_what_is_asked_for_is_scored(candidate: ModelVersion, lease: RunLease) -> None:
    notes(3)
    Post.objects.create(body="a post")
    screen()
    Screening.objects.filter(pk__in=Screening.objects.order_by("id")[:2]).update(
        created=timezone.now() - timedelta(days=9)
    )
    run = begin(candidate, model_label="forum.Post")
    assert go(run, lease)
    assert [Screening.objects.get(pk=key).text for key in said(candidate)] == ["a post"]
    run = begin(candidate, since=timezone.now() - timedelta(days=1))
    assert go(run, lease)
    assert run.scored == 1
    assert ScreeningRun.objects.count() == 2


def test_blanked_pending_and_replaced_texts_are_passed_over(candidate: ModelVersion, lease: RunLease) -> None:
    notes(4)
    blanked, replaced, failed, _ = Screening.objects.order_by("id")
    Screening.objects.filter(pk=blanked.pk).update(blanked=timezone.now(), text="")
    Screening.objects.filter(pk=replaced.pk).update(is_current=False)
    Screening.objects.filter(pk=failed.pk).update(status="failed", verdict="")
    run = begin(candidate)
    assert go(run, lease)
    assert run.scored == 1


def test_comments_that_were_just_saved_go_first(candidate: ModelVersion, lease: RunLease) -> None:
    notes(6)
    waited: list[float] = []

    def worker(seconds: float) -> None:
        waited.append(seconds)
        screen()

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            assert not Screening.objects.pending().exists()
            if Note.objects.count() < 9:
                Note.objects.create(text="just saved")
            return by_words(texts)

        return score

    assert go(begin(candidate), lease, load=load, throttle=Throttle(wait=worker))
    assert len(waited) == 3


def test_old_comments_that_wait_and_texts_that_wait_for_their_next_try_hold_nobody_up(
    candidate: ModelVersion, lease: RunLease
) -> None:
    notes(3)
    Note.objects.create(text="old")
    Screening.objects.pending().update(priority=Screening.Priority.LOW)
    Note.objects.create(text="in trouble")
    Screening.objects.filter(text="in trouble").update(retry_at=timezone.now() + timedelta(minutes=5))

    def wait(seconds: float) -> None:
        raise AssertionError("waited")

    assert go(begin(candidate), lease, throttle=Throttle(wait=wait))


def test_without_a_worker_it_does_not_wait_for_ever(candidate: ModelVersion, lease: RunLease) -> None:
    notes(3)
    Note.objects.create(text="nobody takes it")
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += 1

    assert go(begin(candidate), lease, throttle=Throttle(wait=wait, clock=lambda: now[0]))
    assert 10 <= now[0] < 20


@pytest.mark.parametrize(
    ("limits", "pauses"),
    [({"per_second": 10}, 3.8), ({"share": 0.25}, 0.6), ({"per_second": 10, "share": 0.01}, 19.8), ({}, 0)],
)
def test_a_rate_and_a_share_are_kept(limits: dict[str, float], pauses: float) -> None:
    waited: list[float] = []
    kept: list[None] = []
    throttle = Throttle(**limits, wait=waited.append)  # type: ignore[arg-type]
    throttle.pause(40, 0.2, lambda: kept.append(None))
    assert sum(waited) == pytest.approx(pauses)
    assert len(kept) == len(waited) >= pauses / 5


def test_a_pause_ends_when_it_is_to_stop() -> None:
    throttle = Throttle(per_second=0.001)
    threading.Timer(0.05, throttle.stop.set).start()
    throttle.pause(1, 0.0, lambda: None)
    assert throttle.stop.is_set()


def held_by(name: str) -> None:
    Lease.objects.update_or_create(
        name=runs.LEASE,
        defaults={"token": uuid.uuid4(), "until": timezone.now() + timedelta(minutes=2), "holder": name},
    )


def test_a_second_process_is_refused_and_told_who_is_at_it(version: ModelVersion) -> None:
    held_by(processes.here())
    with pytest.raises(CommandError, match=f":{os.getpid()} is at it already"):
        run_command("rescreen")
    assert not ScreeningRun.objects.exists()


def test_the_run_of_a_process_that_died_here_is_taken_over_at_once(version: ModelVersion) -> None:
    place = processes.here().rpartition(":")[0]
    held_by(f"{place}:{2**22 + 1}")
    assert "0 screening(s)" in run_command("rescreen")


def test_a_process_elsewhere_is_refused_to_when_it_shows_a_sign_of_life(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_by("elsewhere[1]:1")
    renewed = timezone.now() + timedelta(minutes=3)
    monkeypatch.setattr(runs.time, "sleep", lambda seconds: Lease.objects.update(until=renewed))
    said: list[str] = []
    with pytest.raises(AlreadyRunning, match="elsewhere"), runs.exclusive_run(said.append):
        pass
    assert "sign of life" in said[0]


def test_a_process_elsewhere_whose_lease_runs_out_is_taken_over(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_by("elsewhere[1]:1")
    now = timezone.now() - timedelta(seconds=1)
    monkeypatch.setattr(runs.time, "sleep", lambda seconds: Lease.objects.update(until=now))
    monkeypatch.setattr(runs.Lease.objects, "get", lambda **_: Lease(until=None, holder="elsewhere[1]:1"))
    with runs.exclusive_run():
        assert Lease.objects.filter(name=runs.LEASE, holder=processes.here()).exists()


def test_whoever_was_taken_over_stores_nothing_any_more(candidate: ModelVersion, lease: RunLease) -> None:
    notes(8)
    run = begin(candidate)
    held_by("elsewhere[1]:1")
    with pytest.raises(TakenOver):
        go(run, lease)
    assert (said(candidate), ScreeningRun.objects.get().position) == ([], "")


# --- the command --------------------------------------------------------------------------------
