"""A text that kills the process which scores it: it ends before a person, its neighbours with verdicts."""

from __future__ import annotations

import pytest

from moderation.models import Screening
from moderation.screening.claim import DEATHS_TO_FAIL
from tests.faults.accounting import FRIENDLY, TOXIC, Books
from tests.faults.workers import Workers
from tests.forum.models import Letter, Note, Post

DEADLY = "deadly"
"""What tests/faults/deadly_settings.py makes a worker die of."""


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_text_that_crashes_the_scorer_fails_alone(workers: Workers, books: Books, pool: str) -> None:
    for number in range(12):
        books.comment((Post, Note, Letter)[number % 3], TOXIC if number % 4 == 0 else FRIENDLY)
    deadly = [books.comment(Letter, f"{DEADLY} {TOXIC}")]
    if pool == "prefork":  # where a death costs a child, and not the start of a worker
        deadly.append(books.comment(Post, f"{DEADLY} {FRIENDLY}"))
    for _ in range(6):
        books.comment(Post)
    workers.start(
        pool,
        settings="tests.faults.deadly_settings",
        moderation={"LEASE_SECONDS": 3},
        is_supervised=True,
    )
    books.close(failed=deadly)

    rows = Screening.objects.filter(status="failed")
    assert set(rows.values_list("error_code", "attempts", "deaths")) == {("worker-died", 0, DEATHS_TO_FAIL)}
    assert set(Screening.objects.open().filter(queued_for="failed")) == set(rows)
    for instance in deadly:
        instance.refresh_from_db()
    assert deadly[0].is_withdrawn is False, "while_pending shows it"
    assert not deadly[1:] or deadly[1].is_visible is False, "while_pending hides it"
    if pool == "solo":
        books.notes.append(f"{workers.deaths} workers died of it")
        assert workers.deaths >= DEATHS_TO_FAIL
