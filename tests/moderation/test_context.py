"""What stands beside a text in the queue: author, page, what it answers, what came before."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_comments.models import Comment

from moderation.admin.item import context
from moderation.models import ModelVersion, Screening
from mysite.articles.models import Article
from tests.conftest import uses_postgresql
from tests.forum.models import Post, Reply, Thread
from tests.moderation.conftest import screen
from tests.moderation.test_authorship import register
from tests.moderation.test_queue import QUEUE, open_page, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return staff("ann", "review_screening")


def screening_of(of: Any) -> Screening:
    rows = Screening.objects.filter(object_id=str(of.pk), is_current=True)
    return rows.get(content_type__model=of._meta.model_name)


def around(page: str, of: Any) -> str:
    """What a reader sees around one object's text: without tags, spaces made one."""
    row = screening_of(of)
    (article,) = re.findall(rf'<article[^>]*"item-{row.pk}"[^>]*>.*?</article>', page, re.DOTALL)
    found = re.search(r'<div class="moderation-context">(.*?)\n    </div>', article, re.DOTALL)
    shown = " ".join(unescape(re.sub(r"<[^>]*>", "", found[1])).split()) if found else ""
    return re.sub(r"look at it \(\d+\)", "look at it (N)", shown)


def test_an_item_tells_author_page_parent_and_what_came_before(moderator: Client) -> None:
    thread, other = Thread.objects.create(title="Boring soup"), Thread.objects.create(title="Elsewhere")
    mia, jo = (User.objects.create_user(name) for name in ("mia", "jo"))
    asked = Reply.objects.create(thread=thread, writer=jo, text="Who likes leek?")
    Reply.objects.create(thread=other, writer=jo, text="not here")
    Reply.objects.create(thread=thread, writer=jo, text="I kill all leek")
    answer = Reply.objects.create(thread=thread, writer=mia, answers=asked, text="you idiot")
    Reply.objects.create(thread=thread, writer=jo, text="came later")
    screen()
    history = "Screened1 Waiting1 Flagged0 Upheld0 Overturned0 Hidden for another reason0 "
    for page, figures in ((open_page(moderator), ""), (item_page(moderator, answer), history)):
        assert around(page, answer) == (
            f"Author: mia on Boring soup {figures}"
            "In answer to jo public look at it (N) Who likes leek? "
            "What came before on this page (2) "
            "jo public look at it (N) Who likes leek? "
            "jo not public look at it (N) I kill all leek"
        )
        assert f'href="/threads/{thread.pk}/"' in page
    assert "<details>" in open_page(moderator) and "<details open>" in item_page(moderator, answer)


def item_page(client: Client, of: Any) -> str:
    return open_page(client, f"{screening_of(of).pk}/change/")


def test_a_comment_of_django_contrib_comments_tells_name_and_article(moderator: Client) -> None:
    article = Article.objects.create(title="Soup", slug="soup")
    site = Site.objects.get_current()
    Comment.objects.create(content_object=article, user_name="Jo", comment="gone", site=site, is_removed=True)
    comment = Comment.objects.create(
        content_object=article, user_name="Hanne", comment="you idiot", site=site
    )
    screen()
    assert around(open_page(moderator), comment) == (
        "Author: Hanne without an account on Soup "
        "What came before on this page Jo not public look at it (N) gone"
    )


@pytest.mark.parametrize("is_atomic", [False, True])
def test_a_page_of_items_costs_as_many_queries_for_many_as_for_few(
    moderator: Client, settings: Any, is_atomic: bool
) -> None:
    register(settings, author_name="writer" if is_atomic else "signed")

    def queries(number: int) -> int:
        for count in range(number):
            thread = Thread.objects.create(title=f"thread {count}")
            writer = User.objects.create_user(f"writer {User.objects.count()}")
            first = Reply.objects.create(thread=thread, writer=writer, text="first")
            Reply.objects.create(thread=thread, writer=writer, answers=first, text=f"you idiot {count}")
        screen()
        with CaptureQueriesContext(connection) as captured:
            page = open_page(moderator)
        assert page.count("In answer to") == min(20, Screening.objects.open().count())
        # Of a site's own code what it does is contained by savepoints in these tests' transaction.
        return sum("SAVEPOINT" not in query["sql"] for query in captured)

    queries(1)
    assert queries(2) == queries(20)


def before(screening: Screening) -> Any:
    return Screening.objects.filter(pk=screening.pk).annotate(before=context._earlier(0)).values("before")


def test_what_came_before_is_read_by_the_index_of_pages(version: ModelVersion) -> None:
    Screening.objects.bulk_create(
        Screening(source="import", text="text", page_key=f"forum.thread:{number % 50}")
        for number in range(2000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE moderation_screening" if uses_postgresql() else "ANALYZE")
    assert "moderation_by_page" in before(Screening.objects.latest("pk")).explain()


def test_another_model_s_object_of_the_same_number_came_before_too(version: ModelVersion) -> None:
    rows = [
        Screening.objects.create(
            content_type=ContentType.objects.get_for_model(model),
            object_id="5",
            field="text",
            text="text",
            page_key="forum.thread:3",
            is_current=is_current,
        )
        for model, is_current in ((Post, True), (Reply, False), (Reply, True))
    ]
    assert before(rows[2]).get() == {"before": rows[0].pk}


def test_a_gone_page_and_a_gone_parent_are_told(moderator: Client) -> None:
    thread = Thread.objects.create(title="Soup")
    parent = Reply.objects.create(thread=thread, text="first")
    reply = Reply.objects.create(thread=thread, answers=parent, text="you idiot")
    screen()
    key = thread.pk
    Reply.objects.filter(pk=parent.pk).delete()
    Thread.objects.filter(pk=thread.pk).delete()
    assert around(open_page(moderator), reply) == (
        f"on a page that is gone: thread {key} In answer to a text that is gone."
    )


@pytest.mark.parametrize(
    ("title", "shown", "link"),
    [
        ("raises", "on thread {}", False),
        ("nowhere", "on nowhere", False),
        ("x" * 300, "on " + "x" * 159 + "…", True),
    ],
)
def test_what_a_page_raises_costs_its_own_line(moderator: Client, title: str, shown: str, link: bool) -> None:
    thread = Thread.objects.create(title=title)
    reply = Reply.objects.create(thread=thread, text="you idiot")
    screen()
    page = open_page(moderator)
    assert around(page, reply) == shown.format(thread.pk)
    assert ("/threads/" in page) is link


def test_what_the_site_s_options_raise_costs_their_own_lines(moderator: Client, settings: Any) -> None:
    def raises(_: Any) -> Any:
        raise SystemError("secret words")

    register(settings, author_name="signed", page=raises, parent=raises)
    reply = Reply.objects.create(guest="raises", text="you idiot")
    other = Reply.objects.create(guest="Jo", text="you idiot")
    screen()
    page = open_page(moderator)
    assert around(page, reply) == ""
    assert around(page, other) == "Author: Jo without an account"
    assert "secret words" not in page


def test_an_address_that_is_none_is_no_link(moderator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Thread, "get_absolute_url", lambda thread: "javascript:alert(1)")
    Reply.objects.create(thread=Thread.objects.create(title="Soup"), text="you idiot")
    screen()
    assert "javascript:" not in open_page(moderator)


HOSTILE = "</bdi></article><script>alert(1)</script>\u202e" + "z" + "\u0301" * 50


def test_hostile_names_titles_and_texts_are_shown_as_they_are(moderator: Client, settings: Any) -> None:
    register(settings, author_name="guest")
    thread = Thread.objects.create(title=HOSTILE)
    parent = Reply.objects.create(thread=thread, guest=HOSTILE, text=HOSTILE * 50)
    Reply.objects.create(thread=thread, guest=HOSTILE, answers=parent, text="you idiot")
    screen()
    page = open_page(moderator)
    assert page.count("&lt;script&gt;") >= 4
    assert "<script>alert" not in page and "\u202e" not in page and "\u0301" * 4 not in page
    assert page.count("</article>") == 1


def test_nothing_around_a_text_tells_what_the_model_said(moderator: Client, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0}
    pages = []
    for text in ("a nice remark", "you idiot"):
        thread = Thread.objects.create(title="Soup")
        before = Reply.objects.create(thread=thread, text=text)
        Reply.objects.create(thread=thread, answers=before, text=text)
        screen()
        newest = Reply.objects.order_by("-pk")[0]
        shown = around(item_page(moderator, newest), newest)
        pages.append(shown.replace(text, "TEXT"))
    assert pages[0] == pages[1] and "public" in pages[0]


def test_a_blanked_item_still_tells_where_it_stood(moderator: Client) -> None:
    thread = Thread.objects.create(title="Soup")
    reply = Reply.objects.create(thread=thread, text="you idiot")
    screen()
    row = Screening.objects.get(object_id=str(reply.pk))
    Reply.objects.filter(pk=reply.pk).delete()
    Screening.objects.filter(pk=row.pk).update(text="")
    response = moderator.get(f"{QUEUE}{row.pk}/change/")
    assert f"thread {thread.pk}" in response.content.decode()


def not_secret(user: Any, screenings: Any) -> Any:
    """The callable of a site that keeps texts from its moderators."""
    return screenings.exclude(text__startswith="hushed")


def test_texts_that_a_moderator_may_not_see_are_not_quoted(moderator: Client, settings: Any) -> None:
    settings.MODERATION = {
        **settings.MODERATION,
        "VISIBLE_SCREENINGS": "tests.moderation.test_context.not_secret",
    }
    thread = Thread.objects.create(title="Soup")
    parent = Reply.objects.create(thread=thread, text="hushed idiot")
    seen = Reply.objects.create(thread=thread, text="for all")
    Reply.objects.create(thread=thread, answers=parent, text="you idiot")
    Reply.objects.create(thread=thread, answers=seen, text="you idiot")
    screen()
    page = open_page(moderator)
    assert "hushed" not in page
    assert page.count("In answer to") == 1 and page.count("for all") == 3
