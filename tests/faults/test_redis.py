"""Redis that is away, silent, or back with an empty memory: a save never fails of it, and nothing is lost.

Celery may end a worker whose Redis goes or comes back while it is connecting (kombu meets a connection that
it has closed itself): the workers here have a supervisor, as a deployment has.
"""

from __future__ import annotations

import time

import pytest
import redis

from moderation import notifier
from moderation.models import Screening
from tests.faults.accounting import TOXIC, Books
from tests.faults.workers import PATIENT, Workers
from tests.forum.models import Letter, Note, Post
from tests.servers import RedisServer

HOUR = 3600
OUTAGES = 5
"""How often an outage is tried in which Celery ends no worker."""


def test_comments_saved_while_redis_is_down_are_screened_later(
    workers: Workers, broker: RedisServer, books: Books
) -> None:
    broker.stop()
    saved = [books.comment(model, text) for model in (Post, Note, Letter) for text in (TOXIC, "hello")]
    assert Screening.objects.pending().filter(object_id=str(saved[0].pk)).exists()
    broker.start()
    workers.start(is_supervised=True)
    books.close()


def test_comments_saved_while_redis_is_silent_are_saved_and_screened(
    workers: Workers, broker: RedisServer, books: Books
) -> None:
    workers.start(is_supervised=True)
    workers.wait_for_line(" ready.")
    broker.freeze()
    try:
        saved = [books.comment(model, text) for model in (Post, Note, Letter) for text in (TOXIC, "hello")]
        for instance in saved:
            instance.refresh_from_db()
            assert Screening.objects.filter(object_id=str(instance.pk)).exists()
        workers.wait_until_screened(Screening.objects.filter(is_current=True).count())
    finally:
        broker.thaw()
    books.close()


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_worker_screens_while_redis_is_away(
    workers: Workers, broker: RedisServer, books: Books, pool: str
) -> None:
    workers.start(pool, is_supervised=True)
    _wait_until_connected(workers, broker)
    broker.stop()
    books.comment(Post, TOXIC)
    workers.wait_until_screened(Screening.objects.filter(is_current=True).count())
    broker.start()
    books.close()


def test_a_worker_that_never_finds_redis_screens_all_the_same(
    workers: Workers, broker: RedisServer, books: Books
) -> None:
    broker.stop()
    workers.start(is_supervised=True)
    books.comment(Post)
    workers.wait_until_screened(Screening.objects.filter(is_current=True).count())
    broker.start()
    books.close()


def test_after_redis_came_back_empty_the_notifier_wakes_the_worker_for_one_comment_alone(
    workers: Workers, broker: RedisServer, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker sweeps once an hour here: whatever is screened, the notifier brought about."""
    monkeypatch.setattr(notifier, "QUIET_SECONDS", 1.0)
    monkeypatch.setattr(notifier, "SOCKET_SECONDS", 10.0)
    workers.start(moderation={"SWEEP_SECONDS": HOUR}, environment=PATIENT, is_supervised=True)
    workers.wait_for_line(" ready.")
    alone = [
        _seconds_after_an_outage(workers, broker, books, happens_meanwhile=happens_meanwhile)
        for happens_meanwhile in (False, True)
    ]
    books.notes.append(f"one comment alone screened after {max(alone):.2f} s")
    books.close()


def test_the_message_of_the_notifier_says_nothing_of_the_comment(
    workers: Workers, broker: RedisServer, books: Books
) -> None:
    """Nobody takes it here, so the check at the end finds it in Redis as it was sent."""
    books.comment(Post, TOXIC)
    with redis.Redis.from_url(broker.url) as client:
        assert client.llen("screening") == 1
    books.look_for_canary()
    workers.start()
    books.close()


def _seconds_after_an_outage(
    workers: Workers, broker: RedisServer, books: Books, *, happens_meanwhile: bool
) -> float:
    """Stop and start Redis, and time one comment after it; once more where the worker ended meanwhile.

    The next worker begins with a sweep, which may have brought about what the notifier is to have done.
    """
    for _ in range(OUTAGES):
        for _ in range(2):  # the first may still meet the sweep that a worker begins with
            _seconds_to_verdict(workers, books)
        deaths = workers.deaths
        for _ in range(3):
            books.comment(Post)
        _wait_until_connected(workers, broker)
        broker.stop()
        if happens_meanwhile:
            books.comment(Post, TOXIC)
        broker.start()
        if happens_meanwhile:
            books.comment(Post)
            time.sleep(notifier.QUIET_SECONDS)
        seconds = _seconds_to_verdict(workers, books)
        if workers.deaths == deaths:
            return seconds
    raise AssertionError(f"A worker ended in each of {OUTAGES} outages.")


def _seconds_to_verdict(workers: Workers, books: Books) -> float:
    started = time.monotonic()
    key = str(books.comment(Post).pk)
    row = Screening.objects.filter(object_id=key, status="done")
    workers.wait_for(row.exists, "the verdict of one comment", pause=0.005)
    return time.monotonic() - started


def _wait_until_connected(workers: Workers, broker: RedisServer) -> None:
    """Wait until an outage meets a worker that is at work: one that is still connecting would end.

    Its " ready." comes before it has connected, and so may the verdict of a comment that its sweep saw; once
    it waits for messages, it has.
    """
    workers.wait_for(lambda: _waits_for_messages(broker), "the worker to be connected")


def _waits_for_messages(broker: RedisServer) -> bool:
    """Whether a client is blocked until its queue has something."""
    with redis.Redis.from_url(broker.url) as client:
        return any(each["cmd"].lower() == "brpop" for each in client.client_list())
