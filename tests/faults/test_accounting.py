"""The wait at the end of each scenario: work that goes on between its questions is not missed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from moderation.discovery.search import discover, remember_starts
from moderation.models import Screening
from tests.faults.accounting import FRIENDLY, left_to_do
from tests.forum.models import Post


@pytest.mark.django_db(transaction=True)
def test_what_a_sweep_finds_between_two_questions_is_left_to_do() -> None:
    remember_starts()
    before = 1
    while _questions_while(discover, before=before) >= before:
        before += 1
    assert before > 2


def _questions_while(happens: Callable[[], Any], *, before: int) -> int:
    """Ask about a comment that no signal told of, while something happens before one question; how many."""
    Screening.objects.all().delete()
    Post.objects.all().delete()
    Post.objects.bulk_create([Post(body=FRIENDLY)])
    asked = 0

    def watch(execute: Any, *arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == before:
            happens()
        return execute(*arguments)

    with connection.execute_wrapper(watch):
        assert left_to_do(), f"missed what happened before question {before}"
    return asked
