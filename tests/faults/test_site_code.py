"""A site's own code that fails, in a signal's receiver and in its hide callable: only its own work waits."""

from __future__ import annotations

import pytest

from moderation.models import Screening
from tests.faults.accounting import TOXIC, Books
from tests.faults.apps import ENDLESS, UNBEARABLE
from tests.faults.workers import TAKING_TIME, Workers
from tests.forum.models import Letter, Note, Post


def test_a_receiver_that_raises_costs_nobody_a_verdict(workers: Workers, books: Books) -> None:
    workers.start()
    for model in (Post, Note, Letter):
        books.comment(model, f"{UNBEARABLE} {TOXIC}")
        books.comment(model)
    books.close()
    workers.wait_for_line("of a moderation signal raised RuntimeError", times=3)
    # The one that came after it was told all the same.
    workers.wait_for(lambda: len(workers.told()) == 6 + books.waiting, "the others to be told")


def test_a_hide_callable_that_raises_is_tried_again_and_disturbs_nobody(
    workers: Workers, books: Books
) -> None:
    workers.start()
    letter = books.comment(Letter, TOXIC, refuses=True)
    books.comment(Post)
    workers.wait_until_screened(Screening.objects.filter(is_current=True).count())
    row = Screening.objects.get(object_id=str(letter.pk), content_type__model="letter")
    assert (row.verdict, row.queued_for) == ("held", "held")
    workers.wait_for_line("WillNot")

    def is_left_to_do() -> bool:  # once the try that is under way has ended
        row.refresh_from_db()
        return (row.action_pending, row.hidden_by_us) == (True, False)

    workers.wait_for(is_left_to_do, "the try to end")
    Letter.objects.filter(pk=letter.pk).update(refuses=False)

    def is_withdrawn() -> bool:
        # The minute until the next try is over; again and again, as one may be under way just now.
        Screening.objects.filter(pk=row.pk, action_pending=True).update(action_until=None)
        return Letter.objects.get(pk=letter.pk).is_withdrawn

    workers.wait_for(is_withdrawn, "the second try")
    books.close()


@pytest.mark.regression("H1", "L3")
@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_hide_callable_that_hangs_holds_up_neither_verdicts_nor_other_hidings(
    workers: Workers, pool: str
) -> None:
    workers.start(pool, environment={"SECONDS_OF_AN_ACTION": "1"})
    Letter.objects.create(text=f"{ENDLESS} {TOXIC}")
    workers.wait_for_line("Hanging at letter")
    post, letter = Post.objects.create(body=TOXIC), Letter.objects.create(text=TOXIC)
    Post.objects.bulk_create([Post(body=f"{TOXIC} found by a sweep")])
    workers.wait_for(lambda: Screening.objects.filter(verdict="held").count() == 4, "all verdicts")
    workers.wait_for(lambda: not Post.objects.filter(is_visible=True).exists(), "the posts to be hidden")
    workers.wait_for(lambda: Letter.objects.get(pk=letter.pk).is_withdrawn, "the other letter")
    workers.wait_for_line("has not come back")
    assert not Post.objects.get(pk=post.pk).is_visible


@pytest.mark.regression("D8")
def test_time_limits_of_the_site_s_own_tasks_blame_no_text(workers: Workers) -> None:
    """They are for its mails, perhaps; a batch takes longer."""
    limited = {**TAKING_TIME, "TASK_SECONDS": "0.5"}
    worker = workers.start("prefork", moderation={"SWEEP_SECONDS": 3600}, environment=limited)
    workers.wait_for(lambda: "ready." in worker.log.read_text(), "the worker")
    for number in range(8):
        Note.objects.create(text=f"{number} how nice")
    workers.wait_until_screened(8)
    assert set(Screening.objects.values_list("attempts", "deaths")) == {(0, 0)}
    assert "time limit" not in worker.log.read_text()
