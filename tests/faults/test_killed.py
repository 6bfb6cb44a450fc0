"""Workers that end in the middle of their work, or stand still: it costs nobody a verdict."""

from __future__ import annotations

import signal

from moderation.models import Screening
from tests.faults.accounting import LONG, SLOW, TOXIC, Books, left_to_do
from tests.faults.workers import TAKING_TIME, Workers
from tests.forum.models import Letter, Note, Post

SHORT_LEASE = {"LEASE_SECONDS": 5}
"""What a dead process held is taken over after five seconds."""


def test_a_worker_killed_in_mid_batch_five_times_over_fails_no_text(workers: Workers, books: Books) -> None:
    """The same few texts each time, so that each is in a dead worker's hands more than once."""
    for _ in range(5):
        books.comment(Letter, SLOW)
    of_the_dead = set()
    for _ in range(5):
        worker = workers.start(environment=TAKING_TIME)
        of_the_dead |= workers.wait_for_claim(other_than=of_the_dead)
        workers.kill(worker)
        workers.let_leases_run_out()
    workers.start()
    books.close()
    assert sum(Screening.objects.values_list("deaths", flat=True)) >= 5
    assert set(Screening.objects.values_list("attempts", "error_code")) == {(0, "")}


def test_prefork_children_killed_one_after_another_fail_no_text(workers: Workers, books: Books) -> None:
    for number in range(40):
        books.comment(Letter, LONG)
        books.comment(Note, TOXIC if number % 10 == 0 else "hello")
    worker = workers.start("prefork", moderation=SHORT_LEASE, environment={"SECONDS_TO_SCORE": "0.5"})
    of_the_dead = set()
    killed = set()
    for _ in range(4):
        of_the_dead |= workers.wait_for_claim(other_than=of_the_dead)
        children = [child for child in workers.children_of(worker) if child.pid not in killed]
        if not children:
            continue
        children[0].send_signal(signal.SIGKILL)
        killed.add(children[0].pid)
    assert len(killed) > 1
    books.close()
    assert set(Screening.objects.values_list("attempts", "error_code")) == {(0, "")}


def test_a_worker_that_stood_still_is_overtaken_and_stores_nothing_late(
    workers: Workers, books: Books
) -> None:
    for _ in range(12):
        books.comment(Post, LONG)
    books.comment(Post, TOXIC)
    frozen = workers.start(environment=TAKING_TIME)
    held = workers.freeze_while_scoring(frozen)
    workers.let_leases_run_out()
    workers.start()
    workers.wait_for(lambda: not left_to_do(), "the other worker")
    before = list(Screening.objects.filter(pk__in=held).order_by("pk").values())
    workers.thaw(frozen)
    books.comment(Post)
    assert workers.stop(frozen) == 0
    assert list(Screening.objects.filter(pk__in=held).order_by("pk").values()) == before
    books.close()
    expected = {str(key) for key in held}
    workers.wait_for(lambda: {screening for screening, _ in workers.told()} >= expected, "all signals")
    told = workers.told()
    assert max(told.values()) == 1 and len({screening for screening, _ in told}) == len(told)
