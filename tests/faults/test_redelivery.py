"""A broker that delivers a message twice: each comment is still scored once, queued once, told of once."""

from __future__ import annotations

import redis

from moderation.models import Scoring, Screening
from moderation.notifier import process_notifier
from tests.faults.accounting import TOXIC, Books
from tests.faults.workers import TAKING_TIME, Workers
from tests.forum.models import Letter, Post
from tests.servers import RedisServer

VISIBILITY = {"VISIBILITY_SECONDS": "5"}
"""Environment of a worker to which Redis gives again what another took without acknowledging it in time."""


def test_messages_that_are_delivered_again_screen_each_comment_once(
    workers: Workers, broker: RedisServer, books: Books
) -> None:
    dead = workers.start(environment={**TAKING_TIME, **VISIBILITY})
    workers.wait_for_line(" ready.")
    for number in range(6):
        books.comment(Post if number % 2 else Letter, TOXIC)
        process_notifier.acknowledge()  # so that each save sends a message of its own
    workers.wait_for_claim()
    with redis.Redis.from_url(broker.url) as client:
        workers.wait_for(lambda: client.hlen("unacked"), "a message that is taken and not acknowledged")
        workers.kill(dead)
        assert client.hlen("unacked") > 0
        workers.let_leases_run_out()
        # Nobody works while the timeout passes; by Redis's own books, and not by how long a test sleeps.
        client.zadd("unacked_index", {tag: 0 for tag in client.zrange("unacked_index", 0, -1)})
        for _ in range(2):
            workers.start(environment=VISIBILITY)
        workers.wait_for(lambda: not client.hlen("unacked"), "Redis to deliver them again")
    books.close()

    current = Screening.objects.filter(is_current=True)
    expected = {str(key) for key in current.values_list("pk", flat=True)}
    assert Scoring.objects.filter(purpose="live", is_basis=True).count() == len(expected)
    assert Scoring.objects.count() == len(expected)
    assert len(set(current.values_list("content_type", "object_id", "field"))) == len(expected)
    opened = set(Screening.objects.open().values_list("pk", flat=True))
    assert len(opened) == Screening.objects.open().count() >= 6
    by_workers = set(workers.wait_for(lambda: workers.told(), "signals"))
    told = [screening for screening, _ in by_workers]
    assert len(told) == len(set(told)) and max(workers.told().values()) == 1
