"""The notifier: one message for many saves, and no save that fails or hangs with the broker.

No timings here; benchmarks/save_overhead.py has them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import redis
from celery import current_app
from django.db import transaction

from moderation import notifier, tasks
from moderation.models import ModelVersion, Screening
from moderation.notifier import Notifier
from moderation.worker.drain import Drained
from moderation.worker.drain import drain as drain_pending
from tests.forum.models import Post
from tests.moderation.conftest import load_by_words
from tests.servers import RedisServer


@pytest.fixture
def broker(redis_server: RedisServer, settings: Any) -> Iterator[redis.Redis]:
    """A running broker that both the flag and Celery use; empty, and running again afterwards."""
    app = current_app._get_current_object()
    before = app.conf.broker_url
    settings.MODERATION = {**settings.MODERATION, "REDIS_URL": redis_server.url}
    app.conf.broker_url = redis_server.url
    with redis.Redis(port=redis_server.port) as client:
        client.flushall()
        yield client
    app.conf.broker_url = before


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Notifier:
    """A notifier that has sent nothing yet, in place of the process's; it has time for a slow broker."""
    monkeypatch.setattr(notifier, "SOCKET_SECONDS", 20.0)
    fresh = Notifier()
    monkeypatch.setattr(notifier, "process_notifier", fresh)
    return fresh


def messages(broker: redis.Redis) -> list[Any]:
    return [json.loads(raw) for raw in broker.lrange("screening", 0, -1)]


def test_many_rings_send_one_message_until_a_worker_answers(broker: redis.Redis, bell: Notifier) -> None:
    assert [bell.notify() for _ in range(5)] == [True, False, False, False, False]
    (message,) = messages(broker)
    assert message["headers"]["task"] == "moderation.tasks.drain"
    assert message["headers"]["ignore_result"] is True
    assert message["headers"]["id"] == message["properties"]["correlation_id"]
    assert datetime.fromisoformat(message["headers"]["expires"]) > datetime.now(UTC)
    bell.acknowledge()
    assert bell.notify() is True
    assert len(messages(broker)) == 2


def test_the_flag_falls_by_itself(broker: redis.Redis, bell: Notifier) -> None:
    bell.notify()
    assert 0 < broker.ttl("moderation:doorbell:screening") <= 10


def test_sites_that_share_a_redis_do_not_silence_each_other(
    broker: redis.Redis, bell: Notifier, settings: Any
) -> None:
    assert bell.notify() is True
    settings.MODERATION = {**settings.MODERATION, "QUEUE": "other"}
    other = Notifier()
    assert [other.notify(), other.notify()] == [True, False]
    bell.acknowledge()
    assert broker.keys("moderation:doorbell:*") == [b"moderation:doorbell:screening"]
    assert (broker.llen("screening"), broker.llen("other")) == (1, 1)


def test_a_message_lost_with_the_brokers_memory_is_sent_anew(broker: redis.Redis, bell: Notifier) -> None:
    bell.notify()
    broker.flushall()
    assert bell.notify() is True


def test_a_refused_broker_is_asked_once_and_then_left_in_peace(
    redis_server: RedisServer, broker: redis.Redis, bell: Notifier
) -> None:
    redis_server.stop()
    try:
        assert bell.notify() is False
    finally:
        redis_server.start()
    assert bell.notify() is False
    assert messages(broker) == []
    bell._quiet_until = 0.0
    assert bell.notify() is True


def test_a_silent_broker_is_given_up_on(
    redis_server: RedisServer, broker: redis.Redis, bell: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    bell.notify()
    bell.acknowledge()
    redis_server.freeze()
    monkeypatch.setattr(notifier, "SOCKET_SECONDS", 0.1)
    bell._hang_up()
    try:
        assert bell.notify() is False
        bell.acknowledge()
    finally:
        redis_server.thaw()
    rings = []
    for _ in range(50):  # by itself, with however slow a broker
        bell._quiet_until = 0.0
        broker.flushall()
        rings.append(bell.notify())
        if rings[-1]:
            break
    assert rings[-1] is True


def test_a_broker_that_was_restarted_is_found_again(
    redis_server: RedisServer, broker: redis.Redis, bell: Notifier
) -> None:
    bell.notify()
    redis_server.stop()
    redis_server.start()
    bell.notify()  # may meet the broken connection
    bell._quiet_until = 0.0
    broker.flushall()
    assert bell.notify() is True
    assert len(messages(broker)) == 1


def test_a_forked_process_opens_connections_of_its_own(broker: redis.Redis, bell: Notifier) -> None:
    bell.notify()
    bell.acknowledge()
    child = os.fork()
    if child == 0:
        os._exit(0 if bell.notify() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    bell.acknowledge()
    assert bell.notify() is True
    assert len(messages(broker)) == 3


@pytest.mark.django_db(transaction=True)
def test_it_rings_after_the_commit_and_not_before(broker: redis.Redis, bell: Notifier) -> None:
    with transaction.atomic():
        Post.objects.create(body="hello")
        assert messages(broker) == []
    assert len(messages(broker)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_save_does_not_ring(broker: redis.Redis, bell: Notifier) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Post.objects.create(body="hello")
        raise RuntimeError
    assert messages(broker) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", ["stop", "freeze"])
def test_a_comment_is_saved_and_enqueued_without_a_broker(
    redis_server: RedisServer,
    broker: redis.Redis,
    bell: Notifier,
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    getattr(redis_server, trouble)()
    monkeypatch.setattr(notifier, "SOCKET_SECONDS", 0.1)
    try:
        Post.objects.create(body="hello")
    finally:
        redis_server.thaw() if trouble == "freeze" else redis_server.start()
    assert Screening.objects.get().status == "pending"


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_text_does_not_ring(broker: redis.Redis, bell: Notifier) -> None:
    post = Post.objects.create(body="hello")
    bell.acknowledge()
    post.save()
    assert len(messages(broker)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_backlog_wakes_one_worker_after_the_other_and_a_single_comment_wakes_one(
    broker: redis.Redis, bell: Notifier, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker that finds more than its own batch sends a message for the next one."""
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 2}
    monkeypatch.setattr(tasks, "process_notifier", bell)
    waiting: list[int] = []

    def drain(**options: Any) -> Drained:
        waiting.append(len(messages(broker)))
        return Drained()

    monkeypatch.setattr(tasks, "drain_pending", drain)
    for number in range(2):
        Screening.objects.create(source="import", text=f"text {number}")
    tasks.drain()
    Screening.objects.create(source="import", text="one more")
    tasks.drain()
    assert waiting == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_with_eager_tasks_a_save_screens_its_comment_at_once(
    broker: redis.Redis, bell: Notifier, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a site's own tests may have it."""
    monkeypatch.setattr(tasks, "process_notifier", bell)
    monkeypatch.setattr(tasks, "drain_pending", partial(drain_pending, load=load_by_words))
    app = current_app._get_current_object()
    app.conf.task_always_eager = True
    try:
        Post.objects.create(body="you idiot")
    finally:
        app.conf.task_always_eager = False
    assert Screening.objects.get().verdict == "flagged"
