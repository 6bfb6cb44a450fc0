"""The sweep finds what no receiver saw, and retries what is left to do."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from moderation.coordination import leases
from moderation.discovery.search import include_existing, remember_starts
from moderation.models import Discovery, Lease, ModelVersion, Screening
from moderation.review.decisions import decide
from moderation.screening import enqueue, model
from moderation.worker import sweeper as sweeper_module
from moderation.worker.process import worker_process
from moderation.worker.sweep import Swept, sweep
from moderation.worker.sweeper import Sweeper
from tests.conftest import uses_postgresql
from tests.forum.models import Letter, Note, Post
from tests.moderation.conftest import load_by_words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def start(version: ModelVersion) -> None:
    """As after `migrate`, with empty tables."""
    remember_starts()


def run() -> Swept:
    return sweep(load=load_by_words)


def texts() -> list[str]:
    return sorted(Screening.objects.filter(is_current=True, status="done").values_list("text", flat=True))


def compare_is_due() -> None:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))


def test_bulk_created_rows_are_found_and_screened_by_the_next_sweep() -> None:
    Post.objects.bulk_create(Post(body=f"text {number}") for number in range(3))
    assert not Screening.objects.exists()
    done = run()
    assert (done.found.new, done.drained.scored) == (3, 3)
    assert texts() == ["text 0", "text 1", "text 2"]
    assert run().found.new == 0


def test_found_rows_are_hidden_like_others() -> None:
    Post.objects.bulk_create([Post(body="I kill you")])
    run()
    assert Post.objects.get().is_visible is False


def test_rows_found_wait_behind_those_just_saved() -> None:
    Post.objects.bulk_create([Post(body="found")])
    run()
    Post.objects.create(body="saved")
    assert list(Screening.objects.order_by("id").values_list("priority", flat=True)) == [0, 10]


def test_a_key_that_was_taken_early_and_committed_late_is_found() -> None:
    Post.objects.bulk_create([Post(pk=10, body="first to commit")])
    run()
    Post.objects.bulk_create([Post(pk=9, body="late")])
    assert run().found.new == 1
    assert texts() == ["first to commit", "late"]


def test_what_was_there_before_moderation_is_screened_only_when_asked_for() -> None:
    Discovery.objects.all().delete()
    Post.objects.bulk_create([Post(body="old")])
    Letter.objects.bulk_create([Letter(text="old, too")])
    assert run().found.new == 0
    compare_is_due()
    assert run().found.new == 0
    Post.objects.bulk_create([Post(body="new")])
    assert run().found.new == 1
    include_existing()
    assert run().found.new == 2
    assert texts() == ["new", "old", "old, too"]


def test_keys_that_are_no_numbers_are_found_by_the_comparison() -> None:
    Note.objects.bulk_create([Note(text="one"), Note(text="two"), Note(text="✓ exempt")])
    assert run().found.new == 0
    compare_is_due()
    assert run().found.new == 2
    assert texts() == ["one", "two"]


def test_texts_changed_behind_the_orm_are_found_by_the_comparison() -> None:
    Post.objects.create(body="how nice")
    Note.objects.create(text="how nice, too")
    run()
    Post.objects.update(body="you idiot")
    assert run().found.edited == 0
    compare_is_due()
    assert run().found.edited == 1
    assert texts() == ["how nice, too", "you idiot"]
    assert Screening.objects.open().get().text == "you idiot"


def test_rows_deleted_behind_the_orm_are_blanked_by_the_comparison() -> None:
    Post.objects.create(body="you idiot")
    run()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM forum_post")
    compare_is_due()
    assert run().found.gone == 1
    assert (Screening.objects.get().text, Screening.objects.open().exists()) == ("", False)


def test_a_comparison_goes_through_everything_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    from moderation.discovery import search

    monkeypatch.setattr(search, "CHUNK", 2)
    monkeypatch.setattr(search, "CHUNKS_OF_A_SLICE", 2)
    for number in range(7):
        Post.objects.create(body=f"text {number}")
    run()
    Post.objects.update(body="changed")
    compare_is_due()
    assert [run().found.edited for _ in range(5)] == [4, 3, 0, 0, 0]
    compared = Discovery.objects.get(model_label="forum.Post").compared
    assert compared is not None and compared > timezone.now() - timedelta(hours=1)


def test_pending_actions_are_carried_out() -> None:
    Letter.objects.create(text="I kill you", refuses=True)
    run()
    assert Letter.objects.get().is_withdrawn is False
    Letter.objects.update(refuses=False)
    Screening.objects.update(action_until=None)
    assert run().acted == 1
    assert Letter.objects.get().is_withdrawn is True


def test_one_sweep_at_a_time_looks_for_what_is_new_but_everybody_screens() -> None:
    run()
    Lease.objects.update(token="0" * 32, until=timezone.now() + timedelta(minutes=5))
    Post.objects.bulk_create([Post(body="found later")])
    Post.objects.create(body="saved")
    done = run()
    assert (done.found.new, done.drained.scored) == (0, 1)
    Lease.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert run().found.new == 1


def test_the_lease_is_given_back() -> None:
    run()
    assert Lease.objects.get().token is None


def test_other_workers_look_no_sooner_than_a_sweep_later_but_a_person_may() -> None:
    sweep(load=load_by_words, apart=60)
    Post.objects.bulk_create([Post(body="found later")])
    assert sweep(load=load_by_words, apart=60).found.new == 0
    assert run().found.new == 1
    Post.objects.bulk_create([Post(body="found later still")])
    assert sweep(load=load_by_words, apart=60).found.new == 1


def test_a_backlog_ends_a_sweep_in_time_and_the_next_comes_at_once(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "SWEEP_SECONDS": 3600}
    Post.objects.create(body="waits")
    done = sweep(load=load_by_words, seconds=0)
    assert (done.drained.scored, done.drained.is_finished) == (0, False)
    Post.objects.bulk_create([Post(body="found in a backlog")])
    sweeps: list[dict[str, float]] = []

    def one(**options: float) -> Swept:
        sweeps.append(options)
        if len(sweeps) < 3:
            return sweep(load=load_by_words, seconds=0)
        done = run()
        worker_process.stopping.set()
        return done

    monkeypatch.setattr(sweeper_module, "sweep", one)
    monkeypatch.setattr(sweeper_module, "close_old_connections", lambda: None)
    try:
        Sweeper().run()  # would wait for an hour if it waited
    finally:
        worker_process.stopping.clear()
    assert sweeps == [{"seconds": 3600, "apart": 2700}] * 3
    assert texts() == ["found in a backlog", "waits"]


def test_an_action_that_meets_another_text_has_that_one_screened(admin_user: Any) -> None:
    Note.objects.create(text="you idiot")
    run()
    Note.objects.update(text="you changed idiot")
    decide(Screening.objects.get().pk, reviewer=admin_user, kind="uphold")
    assert Screening.objects.get().action_pending
    assert run().found.edited == 1
    current = Screening.objects.get(is_current=True)
    assert (current.text, current.queued_for) == ("you changed idiot", "edited")
    run()
    assert Note.objects.get().state == "withheld"


def test_an_object_that_can_not_be_noted_keeps_none_after_it_from_being_found(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing_for_one(entry: Any, instance: Any, **options: Any) -> Any:
        if getattr(instance, "body", "") == "bad secret":
            raise ValueError(instance.body)
        return enqueue.enqueue(entry, instance, **options)

    monkeypatch.setattr("moderation.discovery.search.enqueue", failing_for_one)
    Post.objects.bulk_create([Post(body="first"), Post(body="bad secret"), Post(body="last")])
    assert run().found.new == 1  # of the first the try with all of them enqueued it
    assert texts() == ["first", "last"]
    assert Screening.objects.open().get().status == "failed"  # that one, without its text
    assert "can't be read (ValueError)" in caplog.text
    assert "secret" not in caplog.text
    Post.objects.bulk_create([Post(body="later")])
    run()
    assert texts() == ["first", "last", "later"]


def test_a_sweep_sends_no_messages(django_capture_on_commit_callbacks: Any) -> None:
    Post.objects.bulk_create([Post(body="found")])
    with django_capture_on_commit_callbacks() as callbacks:
        run()
    assert callbacks == []


@pytest.mark.django_db(transaction=True)
def test_one_model_in_trouble_keeps_nobody_else_from_being_found_and_screened() -> None:
    Letter.objects.bulk_create([Letter(text="found all the same")])
    table = Post._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
        try:
            done = run()
        finally:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")
    assert (done.found.new, done.drained.scored) == (1, 1)
    assert texts() == ["found all the same"]


class _Worker(SimpleNamespace):
    """As `celeryd_after_setup` hands it over."""

    def __init__(self, *queues: str, pool: str = "solo", default: str = "celery") -> None:
        amqp = SimpleNamespace(queues=SimpleNamespace(consume_from=dict.fromkeys(queues)))
        app = SimpleNamespace(amqp=amqp, conf=SimpleNamespace(task_default_queue=default))
        cls = type("TaskPool", (), {"__module__": f"celery.concurrency.{pool}"})
        super().__init__(app=app, pool_cls=cls, concurrency=4, max_concurrency=None)


@pytest.mark.regression("M7", "D4")
@pytest.mark.parametrize("pool", ["solo", "prefork"])
@pytest.mark.parametrize(
    ("queues", "screens"),
    [
        (["celery"], False),
        (["mails", "celery"], False),
        (["screening"], True),
        (["celery", "screening"], True),
    ],
)
def test_only_a_worker_of_the_screening_queue_sweeps(
    pool: str, queues: list[str], screens: bool, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Others, and their children, load no model, open no port, and don't beat: nothing can raise an alarm."""
    settings.MODERATION = {**settings.MODERATION, "METRICS_PORT": 9101}
    done: list[str] = []
    monkeypatch.setattr(worker_process, "is_sweeping", False)
    monkeypatch.setattr(model, "_processes", 1)
    monkeypatch.setattr(sweeper_module, "_start", lambda: done.append("sweeps"))
    monkeypatch.setattr(sweeper_module.worker_port, "open_port", lambda **_: done.append("port"))
    sweeper_module._on_worker(instance=_Worker(*queues, pool=pool))
    sweeper_module._on_child()
    assert set(done) == ({"sweeps", "port"} if screens else set())


@pytest.mark.regression("L3")
@pytest.mark.django_db(transaction=True)
def test_sweep_that_lasts_longer_than_its_lease_keeps_it(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.worker.sweep.LEASE_SECONDS", 1.5)
    taken: list[Any] = []

    def carry_out(done: Any) -> None:
        until = Lease.objects.get(name="sweep").until
        deadline = time.monotonic() + 60
        while Lease.objects.get(name="sweep").until == until:  # until it was renewed
            assert time.monotonic() < deadline
            time.sleep(0.05)
        taken.append(leases.take("sweep", 60, resting=True))

    monkeypatch.setattr("moderation.worker.sweep._carry_out_actions", carry_out)
    run()
    assert taken == [None]
    assert Lease.objects.get(name="sweep").token is None


@pytest.mark.regression("M12")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.django_db(transaction=True)
def test_sweep_does_not_wait_for_what_a_site_s_transaction_is_saving(version: ModelVersion) -> None:
    """It promises an object that was inserted by `bulk_create`, and has not committed."""
    remember_starts()
    saved, other = Post.objects.bulk_create([Post(body="hello"), Post(body="hello, too")])
    is_saved, may_end = threading.Event(), threading.Event()

    def save() -> None:
        try:
            with transaction.atomic():
                saved.save()
                is_saved.set()
                may_end.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=save)
    thread.start()
    try:
        assert is_saved.wait(60)
        assert run().drained.scored == 1
        assert Screening.objects.get().object_id == str(other.pk)
    finally:
        may_end.set()
        thread.join(60)
    assert run().drained.scored == 1
