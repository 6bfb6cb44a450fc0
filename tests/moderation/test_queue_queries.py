"""How much the queue's pages ask the database: the same for many items as for few, and nothing twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from moderation.coordination import heartbeat
from moderation.db.read_once import remembered, remembering
from moderation.models import Screening
from moderation.review.decisions import decide
from moderation.review.second_looks import ask_for_second_look
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_queue import QUEUE, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
PAGE = 20


@pytest.fixture
def moderator() -> Client:
    return staff("mod", "review_screening")


def asked(client: Client, address: str) -> list[str]:
    """Return the queries of a page, without the savepoints around a site's own code."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]


def add(count: int, state: str, by: User) -> None:
    """Have that many more texts in the list of this name."""
    before = set(Screening.objects.values_list("pk", flat=True))
    texts = {"held": "I kill you, number {}", "all": "words, number {}"}
    for number in range(count):
        Post.objects.create(body=texts.get(state, "you idiot, number {}").format(len(before) + number))
    screen()
    heartbeat.beat(at_once=True)  # where no worker is known, the page asks what waits for one
    if state not in ("decided", "second_looks"):
        return
    for key in Screening.objects.exclude(pk__in=before).values_list("pk", flat=True):
        decide(key, reviewer=by, kind="uphold")
        if state == "second_looks":
            ask_for_second_look(key, "I was quoting somebody.")


@pytest.mark.parametrize("state", ["open", "held", "flagged", "all", "decided", "second_looks"])
def test_a_list_asks_as_much_for_many_items_as_for_a_page_and_nothing_twice(
    moderator: Client, state: str
) -> None:
    by = User.objects.create_user("ann")
    address = f"{QUEUE}?state={state}"
    add(PAGE, state, by)
    asked(moderator, address)
    of_a_page = asked(moderator, address)
    add(PAGE, state, by)
    of_many = asked(moderator, address)
    page = moderator.get(address).content.decode()
    assert page.count('<article class="moderation-item"') == PAGE and 'rel="next"' in page
    assert len(of_many) == len(of_a_page)
    assert [sql for sql, times in Counter(of_many).items() if times > 1] == []


@pytest.mark.parametrize("state", ["open", "decided", "second_looks"])
def test_an_item_asks_as_much_among_many_as_alone_and_nothing_twice(moderator: Client, state: str) -> None:
    by = User.objects.create_user("ann")
    add(1, state, by)
    address = f"{QUEUE}{Screening.objects.get().pk}/change/"
    asked(moderator, address)
    alone = asked(moderator, address)
    add(PAGE, state, by)
    among_many = asked(moderator, address)
    assert len(among_many) == len(alone)
    assert [sql for sql, times in Counter(among_many).items() if times > 1] == []


def test_answers_are_remembered_within_a_block_alone() -> None:
    asked_for: list[Any] = []

    def ask() -> int:
        asked_for.append(None)
        return len(asked_for)

    assert (remembered("it", ask), remembered("it", ask)) == (1, 2)
    with remembering():
        assert (remembered("it", ask), remembered("it", ask), remembered("else", ask)) == (3, 3, 4)
        with remembering():
            assert remembered("it", ask) == 3
    assert remembered("it", ask) == 5


def test_what_is_none_is_remembered_too() -> None:
    asked_for: list[None] = []
    with remembering():
        for _ in range(2):
            assert remembered("it", lambda: asked_for.append(None)) is None
    assert len(asked_for) == 1
