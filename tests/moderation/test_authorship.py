"""Who wrote a text, and on which page it stands, as their screenings note it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.core.checks import run_checks
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_comments.models import Comment

from moderation import retention
from moderation.discovery.search import remember_starts
from moderation.models import Discovery, ModelVersion, Screening
from moderation.screening import on_request
from moderation.worker.sweep import sweep
from mysite.articles.models import Article
from tests.forum.models import Reply, Thread
from tests.moderation.conftest import load_by_words, screen

pytestmark = pytest.mark.django_db


def register(settings: Any, **options: Any) -> None:
    """Register replies with other options than those of their class."""
    hide = {"field": "is_public", "hidden": False}
    usual = {"text": "text", "author": "writer", "page": "thread", "parent": "answers", "hide": hide}
    models = {**settings.MODERATION["MODELS"], "forum.Reply": {**usual, **options}}
    settings.MODERATION = {**settings.MODERATION, "MODELS": models}


def noted(of: Any) -> tuple[str, str]:
    """(author's name, page) of an object's current screening."""
    content_type = ContentType.objects.get_for_model(of)
    row = Screening.objects.get(content_type=content_type, object_id=str(of.pk), is_current=True)
    return row.author_name, row.page_key


@pytest.fixture
def thread() -> Thread:
    return Thread.objects.create(title="Soup")


def test_a_save_notes_name_and_page_that_are_at_hand_without_a_query(thread: Thread, settings: Any) -> None:
    mia = User.objects.create_user("mia")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            Reply.objects.create(thread=thread, writer=mia, text="hello")
        return len(captured)

    queries()  # from here on Django knows the content types
    with_names = queries()
    reply = Reply.objects.order_by("-pk")[0]
    assert noted(reply) == ("mia", f"forum.thread:{thread.pk}")
    register(settings, author_name=None, page=None)
    assert queries() == with_names
    assert noted(Reply.objects.order_by("-pk")[0]) == ("", "")


def test_a_full_name_goes_before_a_user_name(thread: Thread) -> None:
    mia = User.objects.create_user("mia", first_name="Mia", last_name="Berg")
    assert noted(Reply.objects.create(thread=thread, writer=mia, text="hello"))[0] == "Mia Berg"


def test_the_worker_adds_what_a_save_could_only_have_asked_for(thread: Thread, version: ModelVersion) -> None:
    mia = User.objects.create_user("mia")
    reply = Reply.objects.create(thread_id=thread.pk, writer_id=mia.pk, text="hello")
    assert noted(reply) == ("", f"forum.thread:{thread.pk}")
    screen()
    assert noted(reply) == ("mia", f"forum.thread:{thread.pk}")


@pytest.mark.parametrize(
    "options",
    [
        {"author_name": "guest", "page": "answers__thread"},
        {"author_name": "signed", "page": "tests.moderation.test_authorship.thread_of"},
        {"author_name": lambda reply: reply.guest, "page": lambda reply: reply.answers.thread},
    ],
    ids=["columns", "attributes", "callables"],
)
def test_a_site_names_columns_attributes_or_callables(
    thread: Thread, version: ModelVersion, settings: Any, options: dict[str, Any]
) -> None:
    register(settings, **options)
    first = Reply.objects.create(thread=thread, text="first")
    reply = Reply.objects.create(guest="  Jo\n\t Li ", answers_id=first.pk, text="hello")
    screen()
    assert noted(reply) == ("Jo Li", f"forum.thread:{thread.pk}")


def thread_of(reply: Reply) -> Thread | None:
    """The callable of a site, by its dotted path."""
    return reply.answers.thread if reply.answers else None


def test_comments_of_django_contrib_comments_need_no_option(version: ModelVersion) -> None:
    article = Article.objects.create(title="Soup", slug="soup")
    comment = Comment.objects.create(
        content_object=article, user_name="Hanne", comment="hello", site=Site.objects.get_current()
    )
    assert noted(comment) == ("Hanne", f"articles.article:{article.pk}")


@pytest.mark.parametrize("is_within", [False, True])
def test_what_a_site_s_code_raises_costs_that_name_alone(
    thread: Thread, version: ModelVersion, settings: Any, caplog: Any, is_within: bool
) -> None:
    register(settings, author_name="signed")
    bad = Reply.objects.create(thread=thread, guest="raises", text="secret words")
    good = Reply.objects.create(thread=thread, guest="Jo", text="hello")
    with transaction.atomic():
        screen()
    assert noted(bad) == ("", f"forum.thread:{thread.pk}")
    assert noted(good)[0] == "Jo"
    assert f"author_name of forum.Reply {bad.pk}" in caplog.text and "secret words" not in caplog.text


def test_too_long_names_and_odd_keys_are_no_error(version: ModelVersion, settings: Any) -> None:
    register(settings, author_name="guest")
    with_long_name = Reply.objects.create(guest="x" * 100, text="hello")
    settings.MODERATION["MODELS"]["forum.Reply"]["author_name"] = lambda reply: "x" * 1000
    register(settings, author_name=lambda reply: "x" * 1000)
    longer = Reply.objects.create(text="hello")
    screen()
    assert noted(with_long_name)[0] == "x" * 100 and noted(longer)[0] == "x" * 255
    article = ContentType.objects.get_for_model(Article)
    odd = Comment.objects.create(
        content_type=article, object_pk="no number", comment="hello", site=Site.objects.get_current()
    )
    screen()
    assert noted(odd) == ("", "")


def compare() -> None:
    Discovery.objects.update(compared=timezone.now() - timedelta(days=2))
    sweep(load=load_by_words)


def test_the_compare_names_the_authors_of_what_was_screened_before(
    thread: Thread, version: ModelVersion, django_assert_num_queries: Any
) -> None:
    remember_starts()
    mia = User.objects.create_user("mia")
    for _ in range(3):
        Reply.objects.create(thread=thread, writer=mia, text="hello")
    screen()
    Screening.objects.update(author_name="", page_key="")
    compare()
    rows = set(Screening.objects.values_list("author_name", "page_key"))
    assert rows == {("mia", f"forum.thread:{thread.pk}")}
    User.objects.filter(pk=mia.pk).update(username="renamed")
    compare()
    assert set(Screening.objects.values_list("author_name", flat=True)) == {"mia"}


def test_the_name_of_an_account_that_was_deleted_goes_with_the_next_compare(
    thread: Thread, version: ModelVersion
) -> None:
    remember_starts()
    mia, jo = (User.objects.create_user(name) for name in ("mia", "jo"))
    reply = Reply.objects.create(thread=thread, writer=mia, text="hello")
    other = Reply.objects.create(thread=thread, writer=jo, text="hello")
    reply.text = "hello again"
    reply.save()
    screen()
    mia.delete()
    compare()
    assert noted(other)[0] == "jo"
    of_reply = Screening.objects.filter(object_id=str(reply.pk))
    assert list(of_reply.values_list("author_name", flat=True)) == ["", ""]


def test_the_name_goes_with_the_copy_of_the_text(
    thread: Thread, version: ModelVersion, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    register(settings, author_name="guest", retention_days=1)
    deleted, withdrawn, old = (
        Reply.objects.create(thread=thread, guest="Jo", text=text) for text in ("a", "b", "c")
    )
    screen()
    with django_capture_on_commit_callbacks(execute=True):
        deleted.delete()
    on_request.withdraw(withdrawn)
    Screening.objects.filter(object_id=str(old.pk)).update(created=timezone.now() - timedelta(days=2))
    retention.blank_due()
    assert not Screening.objects.filter(blanked=None).exists()
    assert set(Screening.objects.values_list("author_name", flat=True)) == {""}
    remember_starts()
    compare()
    assert noted(old)[0] == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"author_name": "gest"}, 'has no "gest". Did you mean "guest"?'),
        ({"page": "thread__titel"}, 'forum.Thread has no "titel". Did you mean "title"?'),
        ({"parent": 7}, "must be a field"),
        ({"parent": "not a name"}, "must be a field"),
    ],
)
def test_a_reference_that_leads_nowhere_is_reported(settings: Any, options: Any, says: str) -> None:
    register(settings, **options)
    (message,) = [each for each in run_checks() if str(each.id) == "moderation.E041"]
    assert says in str(message)


def test_a_dotted_path_that_leads_nowhere_is_reported(settings: Any) -> None:
    register(settings, page="tests.forum.rules.no_such_thing")
    assert [each.id for each in run_checks() if "no_such_thing" in str(each)] == ["moderation.E015"]
