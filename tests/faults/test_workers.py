"""What must hold on an ordinary day, with real workers, the shipped model and a real Redis."""

from __future__ import annotations

import pytest

from moderation.models import Screening
from tests.faults.accounting import LONG, TOXIC, Books
from tests.faults.workers import Workers
from tests.forum.models import Letter, Post


@pytest.mark.parametrize("pool", ["solo", "threads", "prefork"])
def test_a_saved_comment_is_screened(workers: Workers, books: Books, pool: str) -> None:
    workers.start(pool)
    friendly, toxic = books.comment(Post), books.comment(Post, TOXIC)
    books.close()
    verdicts = dict(Screening.objects.values_list("object_id", "verdict"))
    assert (verdicts[str(friendly.pk)], verdicts[str(toxic.pk)]) == ("clear", "held")


def test_a_worker_that_is_stopped_in_order_leaves_no_lease_behind(workers: Workers, books: Books) -> None:
    for _ in range(60):
        books.comment(Letter, LONG)
    worker = workers.start()
    workers.wait_for_claim()
    assert workers.stop(worker) == 0
    assert not Screening.objects.filter(lease_token__isnull=False).exists()
    assert not Screening.objects.exclude(deaths=0).exists()
    workers.start()
    books.close()


def test_bulk_created_rows_are_screened_within_a_sweep(workers: Workers, books: Books) -> None:
    workers.start()
    books.comment(Post)
    workers.wait_until_screened(1)
    Post.objects.bulk_create([Post(body=books.words(TOXIC))])
    books.close()


def test_hostile_texts_neither_fail_nor_hang(workers: Workers, books: Books) -> None:
    texts = [
        "",
        " \n\t ",
        "x" * 1_000_000,
        "word " * 200_000,
        "a" + "\u0301" * 10_000,
        "\u202eolleh",
        "😀" * 1000,
        "<script>alert(1)</script>",
        "\u2400\ufffd",
    ]
    for text in texts:
        Post.objects.create(body=text)
    workers.start()
    books.close()
    assert not Screening.objects.exclude(status="done", deaths=0, attempts=0).exists()
