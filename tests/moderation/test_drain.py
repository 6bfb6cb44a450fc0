"""Draining: verdicts, the queue, visibility, and whose fault an error is."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, connections
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from moderation import signals
from moderation.models import LabelScore, ModelVersion, Policy, Scoring, Screening
from moderation.screening.claim import claim
from moderation.screening.scorer import Scorer
from moderation.screening.store import store
from moderation.versions.active import languages_of
from moderation.worker.drain import drain
from tests.conftest import uses_postgresql
from tests.forum.models import Letter, Note, Post
from tests.moderation.conftest import by_words, locked_by_somebody, make_version, screen

pytestmark = pytest.mark.django_db


def only() -> Screening:
    return Screening.objects.get(is_current=True)


def test_every_pending_text_gets_its_verdict(version: ModelVersion) -> None:
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    done = screen()
    assert done.verdicts == {"clear": 1, "flagged": 1, "held": 1}
    clear, flagged, held = Screening.objects.order_by("id")
    assert [row.status for row in (clear, flagged, held)] == ["done"] * 3
    assert (clear.verdict, clear.severity) == ("clear", pytest.approx(-0.49))
    assert (flagged.verdict, flagged.queued_for, flagged.severity) == (
        "flagged",
        "flagged",
        pytest.approx(0.2),
    )
    assert (held.verdict, held.queued_for, held.sampling_probability) == ("held", "held", 1.0)
    assert [row.pk for row in Screening.objects.open()] == [held.pk, flagged.pk]
    assert all(row.scored and row.lease_token is None for row in (clear, flagged, held))


def test_all_scores_are_kept_and_the_labels_over_threshold_as_rows(version: ModelVersion) -> None:
    Note.objects.create(text="you idiot")
    screen()
    scoring = Scoring.objects.get()
    assert scoring.scores == {"toxic": 0.7, "threat": 0.01, "insult": 0.7}
    assert (scoring.model_version, scoring.purpose, scoring.is_basis) == (version, "live", True)
    assert only().basis() == scoring
    assert set(LabelScore.objects.values_list("label", "score")) == {("toxic", 0.7), ("insult", 0.7)}


def test_labels_are_found_by_the_queue(version: ModelVersion) -> None:
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    screen()

    def labelled(label: str) -> set[str]:
        return set(Screening.objects.labelled(label).values_list("text", flat=True))

    assert labelled("insult") == {"you idiot"}
    assert labelled("threat") == {"I kill you"}
    assert labelled("toxic") == {"you idiot", "I kill you"}
    assert labelled("tox") == set()


def test_held_is_hidden_and_flagged_stays_public(version: ModelVersion) -> None:
    for text in ("you idiot", "I kill you"):
        Note.objects.create(text=text)
    screen()
    assert list(Note.objects.order_by("text").values_list("state", flat=True)) == ["withheld", "published"]
    assert Screening.objects.get(verdict="held").hidden_by_us is True
    assert Screening.objects.get(verdict="flagged").hidden_by_us is False


def test_what_waited_hidden_is_shown_when_clear_and_stays_hidden_when_held(version: ModelVersion) -> None:
    for text in ("hello", "I kill you"):
        Post.objects.create(body=text)
    screen()
    assert Post.objects.get(body="hello").is_visible is True
    assert Post.objects.get(body="I kill you").is_visible is False


def test_what_others_hid_stays_hidden(version: ModelVersion) -> None:
    Post.objects.create(body="hello", is_visible=False)
    Note.objects.create(text="I kill you", state="draft")
    screen()
    assert Post.objects.get().is_visible is False
    assert Note.objects.get().state == "draft"
    assert not Screening.objects.filter(hidden_by_us=True).exists()


@pytest.mark.parametrize(("rate", "queued_for"), [(0.0, ""), (1.0, "audit")])
def test_clear_ones_are_drawn_for_the_audit_at_its_rate(
    version: ModelVersion, settings: Any, rate: float, queued_for: str
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": rate}
    Note.objects.create(text="hello")
    screen()
    assert (only().queued_for, only().sampling_probability) == (queued_for, rate)


def test_the_newest_policy_of_the_model_is_in_force(version: ModelVersion) -> None:
    Policy.objects.create(model_label="", thresholds={"insult": {"flag": 0.99}})
    Policy.objects.create(model_label="forum.Note", thresholds={"insult": {"hold": 0.1}})
    newest = Policy.objects.create(model_label="forum.Note", thresholds={"toxic": {"flag": None}})
    Note.objects.create(text="you idiot")
    screen()
    assert only().verdict == "flagged"
    scoring = Scoring.objects.get()
    assert scoring.policy == newest
    assert scoring.thresholds == {"threat": 0.5, "insult": 0.5}


def test_draining_again_changes_nothing(version: ModelVersion) -> None:
    Note.objects.create(text="you idiot")
    screen()
    before = (Screening.objects.values().get(), Scoring.objects.values().get())
    assert screen().scored == 0
    assert (Screening.objects.values().get(), Scoring.objects.values().get()) == before


def test_storing_the_same_claim_twice_changes_nothing(version: ModelVersion) -> None:
    Note.objects.create(text="you idiot")
    mine = claim(9)
    assert store(mine, by_words(["you idiot"]), version).verdicts == {"flagged": 1}
    again = store(mine, by_words(["you idiot"]), version)
    assert (again.verdicts, again.gone) == ({}, 1)
    assert Scoring.objects.count() == 1


def test_what_was_taken_over_meanwhile_is_not_stored(version: ModelVersion) -> None:
    Note.objects.create(text="you idiot")
    mine = claim(9)
    Screening.objects.update(lease_until="2000-01-01T00:00Z")
    claim(9)
    assert store(mine, by_words(["you idiot"]), version).gone == 1
    assert only().status == "pending"


def _meanwhile(change: Any) -> Any:
    """A loader whose scorer lets `change` happen while it is scoring."""

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            change()
            return by_words(texts)

        return score

    return load


def test_a_text_edited_while_it_is_scored_gets_no_verdict_and_the_new_one_does(
    version: ModelVersion,
) -> None:
    Note.objects.create(text="I kill you")

    def edit() -> None:
        note = Note.objects.get()
        if note.text != "how nice":
            note.text = "how nice"
            note.save()

    done = drain(load=_meanwhile(edit))
    assert (done.gone, done.verdicts) == (1, {"clear": 1})
    old, new = Screening.objects.order_by("id")
    assert (old.status, old.verdict, old.is_current) == ("superseded", "", False)
    assert (new.text, new.verdict) == ("how nice", "clear")
    assert Note.objects.get().state == "published"


def test_a_text_edited_behind_the_orm_while_it_is_scored_is_not_hidden_and_screened_anew(
    version: ModelVersion,
) -> None:
    Note.objects.create(text="I kill you")
    done = drain(load=_meanwhile(lambda: Note.objects.update(text="how nice")))
    assert (done.gone, done.verdicts) == (1, {"clear": 1})
    assert only().text == "how nice"
    assert Note.objects.get().state == "published"


def test_a_comment_deleted_while_it_is_scored_leaves_no_text_behind(version: ModelVersion) -> None:
    Note.objects.create(text="I kill you")
    assert drain(load=_meanwhile(lambda: Note.objects.all().delete())).gone == 1
    assert (Screening.objects.get().text, Screening.objects.get().is_current) == ("", False)


def test_a_comment_deleted_by_sql_while_it_is_scored_leaves_no_text_behind(version: ModelVersion) -> None:
    Note.objects.create(text="I kill you")

    def delete() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM forum_note")

    drain(load=_meanwhile(delete))
    assert (Screening.objects.get().text, Screening.objects.get().is_current) == ("", False)


def test_a_person_who_decides_while_it_is_scored_wins(version: ModelVersion) -> None:
    Post.objects.create(body="I kill you")
    Screening.objects.update(queued_for="edited")

    def decide() -> None:
        Screening.objects.update(outcome="show", hidden_by_us=False)
        Post.objects.update(is_visible=True)

    drain(load=_meanwhile(decide))
    row = only()
    assert (row.outcome, row.verdict, row.queued_for) == ("show", "held", "edited")
    assert Post.objects.get().is_visible is True


def test_an_edited_comment_stays_hidden_and_queued_however_clear_it_is(version: ModelVersion) -> None:
    Note.objects.create(text="I kill you")
    screen()
    note = Note.objects.get()
    note.text = "how nice"
    note.save()
    screen()
    row = only()
    assert (row.verdict, row.queued_for, row.sampling_probability) == ("clear", "edited", 1.0)
    assert Note.objects.get().state == "withheld"


def test_nothing_pending_loads_no_model(version: ModelVersion) -> None:
    def load(version: ModelVersion) -> Scorer:
        raise AssertionError("loaded")

    assert drain(load=load).is_finished


def test_a_new_active_version_is_used_from_the_next_batch_on(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 1}
    for text in ("one", "two"):
        Note.objects.create(text=text)

    def load(version: ModelVersion) -> Scorer:
        if version.version == "1":
            ModelVersion.objects.update(is_active=False)
            make_version("2", is_active=True)
        return by_words

    drain(load=load)
    assert list(Scoring.objects.order_by("id").values_list("model_version__version", flat=True)) == ["1", "2"]


def test_it_stops_between_batches(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 2}
    for number in range(5):
        Note.objects.create(text=f"text {number}")
    stop = threading.Event()
    stop.set()
    assert (screen(stop=stop).scored, screen(seconds=0).scored, screen(batches=1).scored) == (0, 0, 2)
    assert Screening.objects.filter(lease_token=None, status="pending").count() == 3


def test_a_stop_in_mid_batch_gives_back_what_is_left(version: ModelVersion) -> None:
    for number in range(3):
        Letter.objects.create(text=f"{number} " + "word " * 3000)
    stop = threading.Event()
    assert drain(load=_meanwhile(stop.set), stop=stop).scored == 1
    assert set(Screening.objects.pending().values_list("lease_token", "deaths")) == {(None, 0)}


@pytest.mark.django_db(transaction=True)
def test_a_slow_worker_keeps_its_lease_and_is_not_counted_as_dead(
    version: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "LEASE_SECONDS": 15}
    Note.objects.create(text="hello")
    others: list[bool] = []

    def take_long() -> None:
        # As if the batch had taken longer than the lease: the next renewal is due in a third of it.
        rows = Screening.objects.filter(lease_token__isnull=False)
        rows.update(lease_until=Now() - timedelta(seconds=1))
        deadline = time.monotonic() + 60
        while not rows.filter(lease_until__gt=Now()).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        others.append(bool(claim(9)))

    assert drain(load=_meanwhile(take_long)).scored == 1
    assert others == [False]
    assert only().deaths == 0


def test_suggestions_and_imports_are_screened_too(version: ModelVersion) -> None:
    Screening.objects.create(source="suggestion", text="you idiot")
    screen()
    assert only().verdict == "flagged"


@pytest.mark.django_db(transaction=True)
def test_signals_go_out_after_the_commit_and_what_receivers_raise_stays_with_them(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[tuple[str, str, bool]] = []

    def hear(signal: Any, screening: Screening, **_: Any) -> None:
        name = "scored" if signal is signals.screening_scored else "held"
        heard.append((name, screening.text, connection.in_atomic_block))
        raise RuntimeError("a secret text")

    signals.screening_scored.connect(hear)
    signals.screening_held.connect(hear)
    try:
        Note.objects.create(text="I kill you")
        screen()
    finally:
        signals.screening_scored.disconnect(hear)
        signals.screening_held.disconnect(hear)
    assert heard == [("scored", "I kill you", False), ("held", "I kill you", False)]
    assert only().status == "done"
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("texts", [["hello"], ["hello", "you idiot", "I kill you"]])
def test_a_batch_takes_as_many_queries_for_many_texts_as_for_few(
    version: ModelVersion, settings: Any, texts: list[str]
) -> None:
    """Posts wait hidden, so every clear one is shown; notes are hidden when held."""
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 500}

    def queries(copies: int) -> list[str]:
        for number in range(copies):
            for text in texts:
                Post.objects.create(body=f"{text} {number}")
                Note.objects.create(text=f"{text} {number}")
        with CaptureQueriesContext(connection) as captured:
            assert screen(batches=1).scored == 2 * copies * len(texts)
        asked = [query["sql"] for query in captured]
        by_the_clock = ("moderation_workerheartbeat", "moderation_shadowtrial")
        return [sql[:100] for sql in asked if not any(table in sql for table in by_the_clock)]

    ContentType.objects.clear_cache()
    languages_of(version)  # a process reads a version's manifest once
    screen()
    few, many = queries(2), queries(15)
    assert len(many) == len(few), "\n".join(many)
    assert len(few) <= 40


@pytest.mark.django_db(transaction=True)
def test_workers_draining_at_once_score_every_text_once(version: ModelVersion) -> None:
    for number in range(60):
        Letter.objects.create(text=f"text {number}")
    counts: list[int] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            counts.append(screen().scored)
        except DatabaseError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sum(counts) == Scoring.objects.count() == 60


@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.django_db(transaction=True)
def test_a_comment_that_the_site_is_changing_is_not_waited_for(version: ModelVersion) -> None:
    """On PostgreSQL the worker must not wait for the site's lock, which could deadlock with a save."""
    Note.objects.create(text="I kill you")
    with locked_by_somebody(Note.objects.all()):
        screen()
        assert (only().verdict, only().action_pending) == ("held", True)
        assert Note.objects.get().state == "published"
    from moderation.visibility.hiding import act

    assert act(only().pk)
    assert Note.objects.get().state == "withheld"
