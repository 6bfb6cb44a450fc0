"""`rescreen --existing`: the first screening of what was there before, a chunk at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from moderation.discovery.search import remember_starts
from moderation.models import Discovery, ModelVersion, Screening, ScreeningRun
from moderation.registry import get
from moderation.rescreening import backfill, runs
from moderation.rescreening.backfill import begin, screen_existing
from moderation.rescreening.runs import RunLease
from moderation.rescreening.throttle import Throttle
from moderation.screening.scorer import ModelNotReady, Scorer
from moderation.worker.sweep import sweep
from tests.forum.models import Letter, Note, Post, Riddle
from tests.moderation.conftest import by_words, load_by_words, scores_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def old_posts(version: ModelVersion, settings: Any) -> None:
    """Twenty posts and three notes that were there before moderation; a chunk is four."""
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 4}
    Post.objects.bulk_create(Post(body=f"old {number}") for number in range(19))
    Post.objects.bulk_create([Post(body="I kill you")])
    Note.objects.bulk_create([Note(text="old"), Note(text="you idiot"), Note(text="✓ exempt")])
    remember_starts()


@pytest.fixture
def lease(db: None) -> RunLease:
    return RunLease(runs._take(print))


def posts() -> ScreeningRun:
    entry = get("forum.Post")
    assert entry is not None
    return begin(entry)


def go(run: ScreeningRun, lease: RunLease, **options: Any) -> bool:
    return screen_existing(run, lease, **{"throttle": Throttle(), "load": load_by_words, **options})


def screened() -> list[str]:
    rows = Screening.objects.filter(is_current=True, status="done").order_by("id")
    return list(rows.values_list("text", flat=True))


@pytest.mark.regression("H1")
def test_one_that_can_t_be_read_does_not_end_the_run(lease: RunLease) -> None:
    words = "I will kill you"
    Riddle.objects.bulk_create(
        [Riddle(words=words), Riddle(words=words, trouble="no exception"), Riddle(words=words)]
    )
    entry = get("forum.Riddle")
    assert entry is not None
    run = begin(entry)
    assert go(run, lease)
    assert list(Riddle._base_manager.order_by("pk").values_list("is_public", flat=True)) == [
        False,
        True,
        False,
    ]
    failed = Screening.objects.open().get(status="failed")
    assert (failed.queued_for, failed.text) == ("failed", "")
    assert (run.passed, run.scored, run.failures) == (3, 2, {"reading-error:NoException": 1})


def test_everything_that_was_there_is_screened_in_the_order_of_its_keys(lease: RunLease) -> None:
    run = posts()
    assert go(run, lease)
    assert screened() == [*(f"old {number}" for number in range(19)), "I kill you"]
    assert (run.scored, run.passed, run.total) == (20, 20, 20)
    assert run.finished is not None
    assert Post.objects.get(body="I kill you").is_visible is False
    assert set(Screening.objects.values_list("priority", flat=True)) == {Screening.Priority.LOW}


def test_what_has_been_public_for_long_does_not_vanish_while_it_waits(lease: RunLease) -> None:
    visible: list[int] = []

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            visible.append(Post.objects.filter(is_visible=True).count())
            return by_words(texts)

        return score

    go(posts(), lease, load=load)
    assert visible == [20] * 5


def test_killed_it_goes_on_and_what_was_enqueued_is_screened_too(lease: RunLease) -> None:
    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            if "old 9" in texts:
                raise KeyboardInterrupt
            return by_words(texts)

        return score

    with pytest.raises(KeyboardInterrupt):
        go(posts(), lease, load=load)
    assert (len(screened()), ScreeningRun.objects.get().passed) == (8, 12)
    Screening.objects.update(lease_until=None, lease_token=None)
    run = posts()
    assert go(run, lease)
    assert (run.scored, len(screened()), len(set(screened()))) == (20, 20, 20)


def test_there_is_never_more_than_a_chunk_of_them_in_the_queue(lease: RunLease) -> None:
    waiting: list[int] = []

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            waiting.append(Screening.objects.pending().count())
            return by_words(texts)

        return score

    go(posts(), lease, load=load)
    assert max(waiting) == 4


def test_what_is_saved_meanwhile_is_screened_before_the_next_old_one(lease: RunLease) -> None:
    order: list[str] = []

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            order.extend(texts)
            if "old 0" in texts:
                Letter.objects.create(text="saved just now")
            return by_words(texts)

        return score

    go(posts(), lease, load=load)
    assert order.index("saved just now") == 4


def test_what_has_a_screening_or_is_exempt_is_passed_over(lease: RunLease) -> None:
    go(posts(), lease)
    Discovery.objects.all().delete()
    run = posts()
    assert go(run, lease)
    assert (run.scored, run.passed) == (0, 20)
    entry = get("forum.Note")
    assert entry is not None
    run = begin(entry)
    assert go(run, lease)
    assert (run.scored, run.passed) == (2, 3)
    assert Screening.objects.get(text="you idiot").verdict == "flagged"


def test_somebody_who_saves_one_of_them_at_that_moment_breaks_nothing(
    lease: RunLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backfill.new_screening

    def new_screening(entry: Any, instance: Post, *arguments: Any) -> Screening:
        fresh = real(entry, instance, *arguments)
        if instance.body == "old 5":
            Post.objects.get(pk=instance.pk).save()
        return fresh

    monkeypatch.setattr(backfill, "new_screening", new_screening)
    assert go(posts(), lease)
    assert Screening.objects.filter(text="old 5").count() == 1
    assert len(screened()) == 20


def test_limits_are_kept(lease: RunLease) -> None:
    run = posts()
    assert [go(run, lease, limit=6), run.scored, len(screened())] == [False, 6, 6]
    assert [go(run, lease, limit=99), run.scored, len(screened())] == [True, 20, 20]


def test_a_rate_is_kept(lease: RunLease) -> None:
    waited: list[float] = []
    go(posts(), lease, throttle=Throttle(per_second=2, wait=waited.append, clock=lambda: 0.0))
    assert sum(waited) == pytest.approx(10)


def test_a_chunk_costs_the_same_number_of_queries_wherever_it_is(lease: RunLease) -> None:
    run = posts()

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            go(run, lease, limit=4)
        by_the_clock = ("moderation_workerheartbeat", "moderation_shadowtrial")
        return sum(not any(table in query["sql"] for table in by_the_clock) for query in found)

    queries()
    assert queries() == queries() == queries()


def test_without_a_model_nothing_is_lost(lease: RunLease) -> None:
    def load(version: ModelVersion) -> Scorer:
        raise ModelNotReady("gone")

    run = posts()
    with pytest.raises(ModelNotReady):
        go(run, lease, load=load)
    assert Screening.objects.pending().count() == 4
    assert go(posts(), lease)
    assert len(screened()) == 20


def test_a_text_with_an_error_of_its_own_is_counted_and_tried_again_like_any(lease: RunLease) -> None:
    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            if any("old 3" in text for text in texts):
                raise ValueError
            return by_words(texts)

        return score

    run = posts()
    assert go(run, lease, load=load)
    assert (run.scored, run.failures) == (19, {"scoring-error": 1})
    assert Screening.objects.pending().get().attempts == 1


def test_afterwards_the_comparison_looks_after_the_old_ones_too(lease: RunLease) -> None:
    go(posts(), lease)
    Post.objects.filter(body="old 7").update(body="what an idiot")
    Discovery.objects.update(compared=None)
    assert sweep(load=load_by_words).found.edited == 1
    assert Screening.objects.get(text="what an idiot").verdict == "flagged"


def test_the_command_goes_through_every_registered_model(monkeypatch: pytest.MonkeyPatch) -> None:
    scores_with(monkeypatch, by_words)
    out = StringIO()
    call_command("rescreen", "--existing", "--limit", "21", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert [run["scored_now"] for run in found["runs"]] == [20, 1]
    out = StringIO()
    call_command("rescreen", "--existing", "--dry-run", stdout=out)
    assert "object(s) of forum.Note to go through" in out.getvalue()
    call_command("rescreen", "--existing", stdout=StringIO())
    assert len(screened()) == 22
    assert not ScreeningRun.objects.filter(finished=None).exists()
