"""The list of the queue: its tabs with their counts, orders, pages, and what it says when it is empty."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.admin import changelist, paginator, tabs
from moderation.models import ModelVersion, Screening
from tests.moderation.test_queue import (
    QUEUE,
    counts,
    decide,
    every_page,
    open_page,
    queued,
    staff,
    texts,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def listed(client: Client, query: str = "") -> list[str]:
    """The texts of all pages of a list, in their order."""
    return [text for page in every_page(client, query) for text in texts(page)]


def words(page: str) -> str:
    """What a reader sees of a page, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def one_of_each() -> None:
    """One item of each list."""
    queued("held", 0.4, verdict="held", queued_for="held")
    queued("of a banned author", 0.1, verdict="clear", queued_for="author")
    queued("flagged", 0.2)
    queued("drawn", 0.25, verdict="clear", queued_for="audit")
    queued("bonjour", 0.0, verdict="unjudged", queued_for="language")
    queued("edited", 0.3, queued_for="edited")
    queued("broken", 0.0, status="failed", verdict="", queued_for="failed")
    queued("reported", 0.0, verdict="clear", queued_for="reported", open_reports=1)
    queued("broken and judged", 0.0, status="failed", verdict="", queued_for="failed", outcome="hide")
    queued("judged", 0.2, outcome="show", reviewed=timezone.now())
    queued("clear", -0.3, verdict="clear", queued_for="")
    row = queued("suggested", 0.0, queued_for="")
    Screening.objects.filter(pk=row.pk).update(source="suggestion")


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (
            "open",
            {"held", "of a banned author", "flagged", "drawn", "bonjour", "edited", "broken", "reported"},
        ),
        ("held", {"held", "of a banned author"}),
        ("flagged", {"flagged", "drawn", "bonjour"}),
        ("edited", {"edited"}),
        ("failed", {"broken"}),
        ("reported", {"reported"}),
        ("suggested", {"suggested"}),
        ("decided", {"judged", "broken and judged"}),
    ],
)
def test_each_list_has_its_items_and_says_how_many(moderator: Client, state: str, wanted: set[str]) -> None:
    one_of_each()
    page = open_page(moderator, f"?state={state}")
    assert set(texts(page)) == wanted
    assert counts(page)[state] == len(wanted)
    assert f"{len(wanted)} item" in words(page)
    current = re.findall(r'<a href="\?[^"]*" aria-current="page">([^<]+)', page)
    assert [name.strip() for name in current] == [str(tab.title) for tab in tabs.TABS if tab.name == state]


def test_everything_is_listed_whatever_became_of_it(moderator: Client) -> None:
    one_of_each()
    assert set(listed(moderator, "?state=all")) == set(Screening.objects.values_list("text", flat=True))


def test_a_list_that_is_not_there_is_the_queue(moderator: Client) -> None:
    one_of_each()
    assert listed(moderator, "?state=nothing") == listed(moderator)


@pytest.mark.parametrize(
    ("order", "wanted"),
    [
        ("", ["worst", "middling", "mild"]),
        ("worst", ["worst", "middling", "mild"]),
        ("oldest", ["middling", "worst", "mild"]),
        ("newest", ["mild", "worst", "middling"]),
        ("no such", ["worst", "middling", "mild"]),
    ],
)
def test_the_queue_has_three_orders(moderator: Client, order: str, wanted: list[str]) -> None:
    for text, severity in (("middling", 0.2), ("worst", 0.4), ("mild", 0.1)):
        queued(text, severity)
    assert listed(moderator, f"?o={order}") == wanted


def test_a_history_has_the_newest_decision_first_or_the_oldest(moderator: Client) -> None:
    now = timezone.now()
    for number, hours in enumerate((2, 3, 1)):
        queued(f"decided {hours} hours ago", outcome="hide", reviewed=now - timedelta(hours=hours))
        assert number < 3
    newest = [f"decided {hours} hours ago" for hours in (1, 2, 3)]
    assert listed(moderator, "?state=decided") == newest
    assert listed(moderator, "?state=decided&o=oldest") == newest[::-1]
    assert listed(moderator, "?state=decided&o=worst") == newest


@pytest.mark.parametrize(
    "query", ["", "?o=oldest", "?o=newest", "?state=flagged", "?state=all", "?state=all&o=oldest"]
)
def test_pages_go_on_and_back_through_every_item_once(moderator: Client, query: str) -> None:
    for number in range(47):
        queued(f"number {number}", 0.1 * (number % 3))
    pages = list(every_page(moderator, query))
    assert [len(texts(page)) for page in pages] == [20, 20, 7]
    assert len({text for page in pages for text in texts(page)}) == 47
    for page, before in ((pages[2], pages[1]), (pages[1], pages[0])):
        (previous,) = re.findall(r'<a rel="prev" href="([^"]+)"', page)
        assert texts(open_page(moderator, unescape(previous))) == texts(before)
    assert 'rel="prev"' not in pages[0] and 'rel="next"' not in pages[2]


def test_an_item_that_comes_or_goes_moves_no_page(moderator: Client) -> None:
    rows = [queued(f"number {number}", 0.4 - 0.001 * number) for number in range(45)]
    (following,) = re.findall(r'<a rel="next" href="([^"]+)"', open_page(moderator))
    decide(moderator, rows[0], kind="uphold")
    decide(moderator, rows[19], kind="uphold")  # the one that the address of the next page names
    queued("worse than all", 0.45)
    assert texts(open_page(moderator, unescape(following)))[0] == "number 20"


def test_deciding_the_last_item_of_the_last_page_leads_to_a_page_that_has_some(moderator: Client) -> None:
    for number in range(20):
        queued(f"number {number}", 0.3)
    last = queued("the last", 0.1)
    (following,) = re.findall(r'<a rel="next" href="([^"]+)"', open_page(moderator))
    assert texts(open_page(moderator, unescape(following))) == ["the last"]
    path = f"{QUEUE}{last.pk}/decide/{unescape(following)}"
    response = moderator.post(path, {"kind": "uphold"}, follow=True)
    assert len(texts(response.content.decode())) == 20


@pytest.mark.parametrize(
    "cursor", ["after=999999", "after=no", "before=0", "before=-1", "after=", f"after={'9' * 40}"]
)
def test_an_address_that_names_no_item_begins_at_the_first_page(moderator: Client, cursor: str) -> None:
    for number in range(21):
        queued(f"number {number}", 0.3)
    assert texts(open_page(moderator, f"?{cursor}")) == texts(open_page(moderator))


def test_nothing_is_counted_further_than_a_person_counts(
    moderator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (paginator, tabs, changelist):
        monkeypatch.setattr(module, "MOST", 30)
    for number in range(30):
        queued(f"item {number}")
    assert "All open 30" in words(open_page(moderator))
    queued("one more")
    with CaptureQueriesContext(connection) as captured:
        page = words(open_page(moderator))
    assert "All open 30+" in page and "30+ items" in page
    counting = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]
    assert len(counting) == len(tabs.TABS)
    assert all("LIMIT 31" in sql for sql in counting)
    assert len(listed(moderator)) == 31


def test_links_to_lists_and_orders_keep_what_narrows_the_list_and_begin_at_its_start(
    moderator: Client,
) -> None:
    for number in range(21):
        queued(f"number {number}", 0.3)
    page = open_page(moderator, "?label=toxic&o=oldest&after=1")
    links = [unescape(link) for link in re.findall(r'<li><a href="([^"]+)"', page)]
    assert len(links) > len(tabs.TABS)
    assert all("label=toxic" in link and "after" not in link for link in links)
    assert "?label=toxic&o=oldest&state=held" in links
    assert "?label=toxic&o=newest" in links


@pytest.mark.regression("4.2")
def test_a_search_that_finds_nothing_is_not_called_an_empty_queue(moderator: Client) -> None:
    assert "The queue is empty" in words(open_page(moderator))
    queued("you idiot")
    page = words(open_page(moderator, "?q=<b>nobody</b>"))
    assert "Nothing found for “<b>nobody</b>”." in page
    assert "The queue is empty" not in page
    assert "Nothing here with these filters." in words(open_page(moderator, "?label=threat"))
    assert "Nothing here." in words(open_page(moderator, "?state=edited"))
