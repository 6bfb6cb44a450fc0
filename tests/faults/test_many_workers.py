"""Two workers on one backlog: each text is scored and stored once, and both have a share."""

from __future__ import annotations

from collections import Counter

from moderation.models import LabelScore, Scoring, Screening
from tests.faults.accounting import LONG, TOXIC, Books
from tests.faults.workers import Workers
from tests.forum.models import Letter, Note, Post


def test_two_workers_share_a_backlog_and_score_nothing_twice(workers: Workers, books: Books) -> None:
    both = [workers.start("solo"), workers.start("threads")]
    workers.wait_for_line(" ready.", times=2)
    workers.wait_until_screened(Screening.objects.filter(is_current=True).count())

    def both_have_a_share() -> bool:
        for _ in range(5):
            books.comment(Note)
            books.comment(Letter, LONG)
        Letter.objects.bulk_create(Letter(text=books.words(LONG)) for _ in range(10))
        Post.objects.bulk_create(Post(body=books.words(TOXIC)) for _ in range(5))
        return len({process for _, process in workers.told()}) == 2

    workers.wait_for(both_have_a_share, "both to work", pause=0.2)
    books.close()
    screened = Screening.objects.filter(outcome="", status="done").count()
    workers.wait_for(lambda: len(workers.told()) >= screened, "all signals")
    told = workers.told()
    shares = Counter(process for _, process in told.elements())
    assert set(shares) == {str(worker.process.pid) for worker in both}
    assert max(told.values()) == 1
    assert len({screening for screening, _ in told}) == len(told) == screened
    assert Scoring.objects.count() == Screening.objects.filter(status="done").count()
    assert LabelScore.objects.count() == LabelScore.objects.values("scoring", "label").distinct().count()
    assert not Screening.objects.exclude(deaths=0).exists()
    books.notes.append("shares " + " and ".join(str(count) for count in sorted(shares.values())))
