"""The list of the queue: its tabs with their counts, orders, pages, and what it says when it is empty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.admin.queue import changelist, search, tabs
from moderation.models import ItemClaim, ModelVersion, ModeratorPreferences, Review, Screening
from moderation.review import claims
from moderation.review import decisions as reviewing
from tests.conftest import uses_postgresql
from tests.forum.models import Post
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
    for module in (tabs, changelist):
        monkeypatch.setattr(module, "MOST", 30)
    for number in range(30):
        queued(f"item {number}")
    assert "All open 30" in words(open_page(moderator))
    queued("one more")
    with CaptureQueriesContext(connection) as captured:
        page = words(open_page(moderator))
    assert "All open 30+" in page and "30+ items" in page
    counting = [query["sql"] for query in captured.captured_queries if "COUNT(" in query["sql"]]
    assert len(counting) == 1
    assert counting[0].count("COUNT(") == counting[0].count("LIMIT 31") == len(tabs.TABS)
    assert len(listed(moderator)) == 31


def test_links_to_lists_and_orders_keep_what_narrows_the_list_and_begin_at_its_start(
    moderator: Client,
) -> None:
    for number in range(21):
        queued(f"number {number}", 0.3)
    page = open_page(moderator, "?label=toxic&o=oldest&after=1")
    lists = page[page.index('class="moderation-tabs"') : page.index('class="moderation-filters"')]
    links = [unescape(link) for link in re.findall(r'<li><a href="([^"]+)"', lists)]
    assert len(links) == len(tabs.TABS) + len(tabs.ORDER_TITLES)
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
    hint = open_page(moderator, "?q=Old Tom")
    assert 'href="?q=author%3A%22Old+Tom%22">Search for an author of this name' in hint
    assert "Search for an author" not in open_page(moderator, "?q=author:Tom")
    assert "Nothing here with these filters." in words(open_page(moderator, "?label=threat"))
    assert "Nothing here." in words(open_page(moderator, "?state=edited"))


@pytest.mark.skipif(uses_postgresql(), reason="PostgreSQL chooses by costs")
def test_small_lists_are_counted_without_walking_all_open_items(version: ModelVersion) -> None:
    request = RequestFactory().get("/")
    request.user = User.objects.create(username="dan")
    plans = {tab.name: tab.counted(request).explain() for tab in tabs.TABS}
    assert "moderation_reports_wait" in plans["reported"]
    assert "moderation_item_claim_user" in plans["mine"]
    assert "moderation_open" not in plans["reported"] + plans["mine"]


# --- the search -------------------------------------------------------------------------------------


def by(author: str, key: str, text: str, **columns: Any) -> Screening:
    row = queued(text, **columns)
    Screening.objects.filter(pk=row.pk).update(author_name=author, author_key=key)
    return row


@pytest.mark.parametrize(
    ("term", "wanted"),
    [
        ("idiot", {"you idiot", "Idiot! And an ass"}),
        ("IDIOT", {"you idiot", "Idiot! And an ass"}),
        ("you idiot", {"you idiot"}),
        ("idiot you", {"you idiot"}),
        ("author:Ann", {"you idiot", "a kind word"}),
        ("author:ann", {"you idiot", "a kind word"}),
        ("author:77", {"you idiot", "a kind word"}),
        ('author:"Bob B"', {"Idiot! And an ass"}),
        ("author:ann kind", {"a kind word"}),
        ("author:nobody", set()),
        ("Übeltäter", {"du übeltäter"}),
        ("ÜBELTÄTER", {"du übeltäter"}),
        ("page:forum.thread:3", {"du übeltäter"}),
        ("  ", {"you idiot", "Idiot! And an ass", "a kind word", "du übeltäter"}),
    ],
)
def test_one_box_finds_words_authors_and_pages(moderator: Client, term: str, wanted: set[str]) -> None:
    by("Ann", "77", "you idiot")
    by("Bob B", "78", "Idiot! And an ass")
    by("Ann", "77", "a kind word")
    row = by("Cid", "79", "du übeltäter")
    Screening.objects.filter(pk=row.pk).update(page_key="forum.thread:3")
    response = moderator.get(QUEUE, {"q": term})
    assert set(texts(response.content.decode())) == wanted


def test_ids_are_told_apart_by_their_names_and_a_number_is_any_of_them(moderator: Client) -> None:
    rows = [by("Ann", str(1000 + number), f"number {number}") for number in range(3)]
    for row, other in zip(rows, (*rows[1:], rows[0]), strict=True):
        Screening.objects.filter(pk=row.pk).update(
            object_id=str(other.pk), content_type=ContentType.objects.get_for_model(Post), field="body"
        )
    first = rows[0].pk
    assert listed(moderator, f"?q=item:{first}") == ["number 0"]
    assert listed(moderator, f"?q=id:{first}") == ["number 2"]
    assert set(listed(moderator, f"?q={first}")) == {"number 0", "number 2"}
    assert listed(moderator, "?q=1001") == ["number 1"]
    assert listed(moderator, '?q="1"') == ["number 1"]
    assert listed(moderator, "?q=item:x") == listed(moderator, f"?q=item:{'9' * 40}") == []


@pytest.mark.parametrize(
    "term", ["'", '"', "&", "!", "a & ", ":*", "\\", "%", "_", "\x00", "x" * 5000, "((", "-", "\u202e"]
)
def test_nothing_that_is_typed_is_an_error(moderator: Client, term: str) -> None:
    queued("you idiot")
    names = ("q", "author", "page", "reviewer", "score_from", "created_from", "version", "label", "language")
    for asked in ({"q": term}, dict.fromkeys(names, term)):
        response = moderator.get(QUEUE, asked)
        assert response.status_code == 200
    filters = {"label": term, "verdict__exact": term}
    for asked in (filters, {**filters, "state": "all"}, {"label": term, "state": "all", "score_from": "0.1"}):
        assert moderator.get(QUEUE, asked).status_code == 200
    page = re.sub(r'value="[^"]*"', "", response.content.decode())
    assert "\u202e" not in page, page[page.index("\u202e") - 200 :][:300]


@pytest.mark.parametrize("query", ["?created__gt=soon", "?created__date=2026-02-31"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_nothing_is_dealt_of_a_list_that_there_is_not(moderator: Client, query: str, accept: str) -> None:
    queued("you idiot")
    assert moderator.post(f"{QUEUE}deal/{query}", headers={"Accept": accept}).status_code == 404
    assert not ItemClaim.objects.exists()


def test_words_are_found_in_the_first_characters_of_a_huge_text(moderator: Client) -> None:
    queued("needle " + "hay " * 250_000, 0.3)
    queued("hay " * 5000 + "needle", 0.2)
    assert len(listed(moderator, "?q=needle")) == 1


def test_histories_are_searched_for_words_where_the_database_has_an_index_of_them(moderator: Client) -> None:
    queued("you idiot", outcome="hide", reviewed=timezone.now())
    queued("an open idiot")
    decided = ["you idiot"] if uses_postgresql() else []
    assert listed(moderator, "?state=decided&q=idiot") == decided
    assert sorted(listed(moderator, "?state=all&q=idiot")) == ["an open idiot", *decided]


@pytest.mark.skipif(not uses_postgresql(), reason="only PostgreSQL has the index")
def test_the_search_for_words_goes_by_its_index(version: ModelVersion) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        rows = search.with_words(Screening.objects.all(), "idiot übel").values("pk").order_by()
        assert "moderation_words" in rows.explain()


@pytest.mark.skipif(not uses_postgresql(), reason="only PostgreSQL has the setting")
@pytest.mark.parametrize(("given", "wanted"), [("4MB", "32MB"), ("64MB", "64MB")])
def test_a_search_has_memory_enough_and_leaves_no_setting_behind(
    version: ModelVersion, given: str, wanted: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('work_mem', %s, true)", [given])
        with search.with_memory("default"):
            cursor.execute("SHOW work_mem")
            assert cursor.fetchone() == (wanted,)
        cursor.execute("SHOW work_mem")
        assert cursor.fetchone() == (given,)


@pytest.mark.skipif(not uses_postgresql(), reason="only PostgreSQL has the statistics")
def test_a_word_of_most_texts_is_known_to_be_one(version: ModelVersion) -> None:
    for number in range(200):
        queued(f"that is number {number}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE moderation_screening")
    plans = [search.with_words(Screening.objects.all(), word).explain() for word in ("that", "number17")]
    common, rare = (int(re.findall(r"rows=(\d+)", plan)[0]) for plan in plans)
    assert common == 200 and rare < 10


@pytest.mark.parametrize("most", [1000, 30])
def test_a_list_by_score_goes_on_and_back_through_every_item_once(
    moderator: Client, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    for module in (tabs, changelist):
        monkeypatch.setattr(module, "MOST", most)
    for number in range(47):
        queued(f"number {number}", 0.4 - 0.001 * number)
    queued("lower", 0.1)
    pages = list(every_page(moderator, "?label=toxic&score_from=0.8"))
    assert [text for page in pages for text in texts(page)] == [f"number {number}" for number in range(47)]
    assert [len(texts(page)) for page in pages] == [20, 20, 7]
    assert ("30+ items" if most == 30 else "47 items") in words(pages[0])
    for page, before in ((pages[2], pages[1]), (pages[1], pages[0])):
        (previous,) = re.findall(r'<a rel="prev" href="([^"]+)"', page)
        assert texts(open_page(moderator, unescape(previous))) == texts(before)
    assert 'rel="prev"' not in pages[0] and 'rel="next"' not in pages[2]


def test_after_the_last_item_of_a_list_by_score_come_its_last_ones(moderator: Client) -> None:
    rows = [queued(f"number {number}", 0.4 - 0.001 * number) for number in range(25)]
    page = open_page(moderator, f"?label=toxic&score_from=0.8&after={rows[-1].pk}")
    assert texts(page) == [f"number {number}" for number in range(5, 25)]
    assert 'rel="prev"' in page and 'rel="next"' not in page
    page = open_page(moderator, f"?label=toxic&score_from=0.8&before={rows[3].pk}")
    assert texts(page) == [f"number {number}" for number in range(20)]


def test_a_list_by_score_reads_of_each_row_what_it_looks_at_alone(moderator: Client) -> None:
    queued("you idiot")
    with CaptureQueriesContext(connection) as captured:
        assert texts(open_page(moderator, "?label=toxic&score_from=0.5")) == ["you idiot"]
    (looked_at,) = {
        re.sub(r"LIMIT .*", "", query["sql"])
        for query in captured
        if "labelscore" in query["sql"] and '"moderation_screening"."text"' not in query["sql"]
    }
    assert looked_at.count("SELECT") == 2  # of the rows, and of their scores: of no earlier texts


# --- the filters ------------------------------------------------------------------------------------


def history(version: ModelVersion) -> None:
    """A few items that differ in what filters go by."""
    now, posts = timezone.now(), ContentType.objects.get_for_model(Post)
    for number, (text, columns) in enumerate(
        {
            "german": {"language": "de", "author_name": "Ann", "author_key": "7"},
            "french": {"language": "fr", "page_key": "forum.thread:3"},
            "old": {"created": now - timedelta(days=400)},
            "comment": {"content_type": posts, "object_id": "9", "field": "body"},
        }.items()
    ):
        row = queued(text, 0.1 * number)
        Screening.objects.filter(pk=row.pk).update(**columns)
    for text, kind, reason in (
        ("upheld", "uphold", ""),
        ("harmless", "false_positive", ""),
        ("spam", "other_reason", "spam"),
    ):
        reviewer = User.objects.get_or_create(username="bea" if reason else "cem")[0]
        reviewing.decide(queued(text, 0.45).pk, reviewer=reviewer, kind=kind, reason=reason)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("language=de", {"german"}),
        ("language=de&author=ann", {"german"}),
        ("language=fr&author=ann", set()),
        ("author=7", {"german"}),
        ("page=forum.thread:3", {"french"}),
        ("created_until={last_year}", {"old"}),
        ("created_from={last_year}&label=toxic&score_to=0.55", {"german"}),
        ("label=toxic&score_from=0.9", {"upheld", "harmless", "spam"}),
        ("label=toxic&score_from=0.55&score_to=0.65", {"french"}),
        ("label=threat&score_from=0", set()),
        ("score_from=0,9", {"upheld", "harmless", "spam"}),
        ("reviewer=bea", {"spam"}),
        ("reviewer=cem", {"upheld", "harmless"}),
        ("reviewer=cem&decision=uphold", {"upheld"}),
        ("decision=false_positive", {"harmless"}),
        ("reason=spam", {"spam"}),
        ("reason=illegal", set()),
        ("model=forum.Post", {"comment"}),
        ("model=nothing.There", set()),
        ("version={version}", {"german", "french", "old", "comment", "upheld", "harmless", "spam"}),
        ("version=999999", set()),
        ("q=german&language=de", {"german"}),
        ("q=german&language=fr", set()),
    ],
)
def test_a_filter_selects_what_it_names_and_several_go_together(
    moderator: Client, version: ModelVersion, query: str, wanted: set[str]
) -> None:
    history(version)
    last_year = (timezone.now() - timedelta(days=300)).date().isoformat()
    address = "?state=all&" + query.format(last_year=last_year, version=version.pk)
    assert set(listed(moderator, address)) == wanted


def decided_in_turn(names: Sequence[str]) -> list[Screening]:
    """Items that these people decided, one each hour, the last one just now."""
    rows = []
    for number, name in enumerate(names):
        when = timezone.now() - timedelta(hours=len(names) - number)
        row = queued(f"{name} {number}", outcome="show", reviewed=when)
        review = Review.objects.create(
            screening=row, number=1, decision="false_positive", outcome="show", reviewer_name=name
        )
        QuerySet(Review).filter(pk=review.pk).update(created=when)
        rows.append(row)
    return rows


@pytest.mark.parametrize("most", [1000, 30])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_the_decisions_of_one_person_are_paged_in_their_order(
    moderator: Client, monkeypatch: pytest.MonkeyPatch, order: str, most: int
) -> None:
    for module in (tabs, changelist):
        monkeypatch.setattr(module, "MOST", most)
    decided_in_turn(["bea", "cem"] * 45)
    wanted = [f"bea {number}" for number in range(0, 90, 2)]
    query = f"?state=decided&reviewer=bea&o={order}"
    pages = list(every_page(moderator, query))
    assert [text for page in pages for text in texts(page)] == (wanted if order == "oldest" else wanted[::-1])
    assert [len(texts(page)) for page in pages] == [20, 20, 5]
    assert ("30+ items" if most == 30 else "45 items") in words(pages[0])
    (previous,) = re.findall(r'<a rel="prev" href="([^"]+)"', pages[2])
    assert texts(open_page(moderator, unescape(previous))) == texts(pages[1])


def test_a_person_s_decisions_are_listed_once_and_without_those_taken_back(moderator: Client) -> None:
    corrected, undone, kept = decided_in_turn(["bea", "bea", "bea"])
    columns = {"reviewer_name": "bea", "number": 2}
    Review.objects.create(screening=corrected, decision="relabel", outcome="show", **columns)
    Review.objects.create(screening=undone, kind="undo", undoes=undone.reviews.get(), **columns)
    Screening.objects.filter(pk=undone.pk).update(outcome="", reviewed=None)
    page = open_page(moderator, "?state=decided&reviewer=bea")
    assert texts(page) == [kept.text, corrected.text]
    assert "2 items" in words(page)


def test_a_label_among_decided_items_is_what_the_model_said(moderator: Client) -> None:
    for text, verdict, reason in (("flagged", "flagged", "flagged"), ("drawn", "clear", "audit")):
        row = queued(text, verdict=verdict, queued_for=reason, outcome="show", reviewed=timezone.now())
        Screening.objects.filter(pk=row.pk).update(labels='["threat"]')
    assert listed(moderator, "?state=decided&label=threat") == ["flagged"]
    assert listed(moderator, "?state=all&label=threat") == ["flagged"]


def test_a_day_is_the_reader_s_and_both_ends_belong_to_the_range(moderator: Client) -> None:
    row = queued("at noon")
    day = timezone.localtime().replace(hour=12)
    Screening.objects.filter(pk=row.pk).update(created=day)
    today, before, after = ((day + timedelta(days=shift)).date() for shift in (0, -1, 1))
    assert listed(moderator, f"?created_from={today}&created_until={today}") == ["at noon"]
    assert listed(moderator, f"?created_from={after}") == []
    assert listed(moderator, f"?created_until={before}") == []
    assert listed(moderator, "?created_from=someday") == ["at noon"]


def test_a_history_of_days_is_paged_by_them(moderator: Client) -> None:
    now = timezone.now()
    for number in range(45):
        row = queued(f"number {number}", outcome="hide", reviewed=now - timedelta(minutes=number))
        Screening.objects.filter(pk=row.pk).update(created=now - timedelta(hours=number % 7))
    for state in ("decided", "all"):
        wanted = f"?state={state}&created_from={(now - timedelta(days=2)).date()}"
        newest = listed(moderator, wanted)
        assert len(set(newest)) == 45
        assert newest[0] == "number 42" and newest == listed(moderator, wanted + "&o=oldest")[::-1]


def test_what_is_in_force_stands_above_the_list_and_each_can_be_taken_away(moderator: Client) -> None:
    queued("you idiot")
    query = "?language=de&label=toxic&q=you&author=&o=newest&created_from=2026-01-02"
    page = open_page(moderator, query)
    chips = page[page.index('class="moderation-chips"') :]
    links = [unescape(link) for link in re.findall(r'<li><a href="([^"]+)"', chips)]
    assert links == [
        "?created_from=2026-01-02&label=toxic&language=de&o=newest",
        "?created_from=2026-01-02&language=de&o=newest&q=you",
        "?created_from=2026-01-02&label=toxic&o=newest&q=you",
        "?label=toxic&language=de&o=newest&q=you",
        "?o=newest&q=you",
    ]
    shown = words(chips)
    for part in ("Search: you", "Label: toxic", "Language: ", "From (day): 01/02/2026"):
        assert part in shown
    assert "Author" not in words(chips[: chips.index("</ul>")])


def hidden_fields(form: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


def test_the_search_keeps_the_filters_and_the_filters_keep_the_search(moderator: Client) -> None:
    queued("you idiot")
    page = open_page(moderator, "?state=all&label=toxic&q=you&o=oldest&author=&after=7")
    search_form, filter_form = (
        page[page.index(f'class="moderation-{name}"') :].partition("</form>")[0]
        for name in ("search", "filters")
    )
    assert hidden_fields(search_form) == {"state": "all", "label": "toxic", "o": "oldest"}
    assert hidden_fields(filter_form) == {"state": "all", "q": "you", "o": "oldest"}
    assert '<option value="toxic" selected>' in filter_form


@pytest.mark.regression("4.8")
def test_every_way_to_an_item_keeps_the_filters_for_the_way_back(moderator: Client) -> None:
    huge = queued("you idiot " * 3000)
    page = open_page(moderator, "?label=toxic&q=idiot")
    ways = re.findall(rf'href="(/admin/moderation/screening/{huge.pk}/change/[^"]*)"', page)
    assert len(ways) >= 2
    for way in ways:
        assert "_changelist_filters=label%3Dtoxic%26q%3Didiot" in way
        item = moderator.get(unescape(way)).content.decode()
        assert f'href="{QUEUE}?label=toxic&amp;q=idiot"' in item


def test_lists_and_counts_show_what_the_site_lets_the_reader_see(moderator: Client, settings: Any) -> None:
    settings.MODERATION = {
        **settings.MODERATION,
        "VISIBLE_SCREENINGS": "tests.moderation.test_queue_list.flagged_alone",
    }
    queued("held", 0.4, verdict="held", queued_for="held")
    queued("flagged")
    assert listed(moderator) == ["flagged"]
    assert counts(open_page(moderator)) == {"open": 1, "flagged": 1, "all": 1}


def flagged_alone(user: User, rows: Any) -> Any:
    """What a site might give as VISIBLE_SCREENINGS."""
    return rows.filter(queued_for="flagged")


def test_my_own_items_have_a_list(moderator: Client) -> None:
    rows = [queued(f"number {number}") for number in range(3)]
    ann = User.objects.get(username="ann")
    claims.deal(ann, 1, Screening.objects.filter(pk=rows[1].pk))
    assert listed(moderator, "?state=mine") == ["number 1"]
    assert listed(staff("ben", "review_screening"), "?state=mine") == []


def test_open_items_come_in_the_order_that_their_reader_prefers(moderator: Client) -> None:
    for number in range(3):
        queued(f"number {number}", 0.1 * number)
    ann = User.objects.get(username="ann")
    ModeratorPreferences.objects.create(user_key=str(ann.pk), order="oldest")
    assert listed(moderator) == ["number 0", "number 1", "number 2"]
    assert listed(moderator, "?o=worst") == ["number 2", "number 1", "number 0"]
    assert "?o=worst" in open_page(moderator)
