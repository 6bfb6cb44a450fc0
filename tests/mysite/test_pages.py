"""The public pages and the comment form, with django-contrib-comments' own protections."""

import re

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django_comments.models import Comment

from moderation.models import Report, Screening, SecondLook
from moderation.review.decisions import decide
from mysite.articles.models import Article
from mysite.demo.posting import CommentFormParser

pytestmark = [pytest.mark.django_db, pytest.mark.urls("mysite.urls")]


@pytest.fixture
def article() -> Article:
    return Article.objects.create(
        slug="a-test", title="A test", standfirst="S", byline="B", body="One.\n\nTwo."
    )


def form_of(client: Client, article: Article) -> dict[str, str]:
    """The fields of the comment form as the article's page offers them."""
    parser = CommentFormParser()
    parser.feed(client.get(article.get_absolute_url()).content.decode())
    assert parser.action == "/comments/post/"
    return parser.values


def add_comment(article: Article, text: str, **columns: bool) -> Comment:
    content_type = ContentType.objects.get_for_model(Article)
    return Comment.objects.create(
        content_type=content_type,
        object_pk=str(article.pk),
        site_id=1,
        comment=text,
        user_name="N",
        **columns,
    )


def test_an_anonymous_comment_is_saved_shown_and_thanked_for(client: Client, article: Article) -> None:
    data = form_of(client, article) | {"comment": "Hello there"}
    page = client.post("/comments/post/", data, follow=True)
    assert page.redirect_chain[0][0].startswith(article.get_absolute_url())
    assert "Thanks, your comment is saved" in page.content.decode()
    assert "Hello there" in page.content.decode()
    saved = Comment.objects.get()
    assert (saved.comment, saved.user_name, saved.user_email, saved.is_public) == (
        "Hello there",
        "Anonymous",
        "",
        True,
    )


def test_hidden_and_removed_comments_are_neither_shown_nor_counted(client: Client, article: Article) -> None:
    add_comment(article, "Shown to all")
    add_comment(article, "Held by moderation", is_public=False)
    add_comment(article, "Taken down by the site", is_removed=True)
    page = client.get(article.get_absolute_url()).content.decode()
    assert "Shown to all" in page
    assert "Held by moderation" not in page
    assert "Taken down by the site" not in page
    listed = client.get("/").content.decode()
    assert re.search(r"a-test/#comments\">1 comment<", listed)


def test_html_and_directions_in_a_comment_are_escaped_and_isolated(client: Client, article: Article) -> None:
    add_comment(article, "<script>alert(1)</script>\u202eright to left")
    page = client.get(article.get_absolute_url()).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert re.findall("<script.*?>", page) == ['<script src="/static/moderation/nudge.js" defer>']


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("honeypot", "http://spam.example"),
        ("security_hash", "0" * 40),
        ("timestamp", "1"),
        ("object_pk", "999"),
    ],
)
def test_a_form_that_fails_its_protections_is_refused_in_words(
    client: Client, article: Article, field: str, value: str
) -> None:
    data = form_of(client, article) | {"comment": "Hello", field: value}
    page = client.post("/comments/post/", data)
    assert page.status_code == 400
    assert "was not saved" in page.content.decode()
    assert not Comment.objects.exists()


def test_a_post_from_elsewhere_is_refused(article: Article) -> None:
    client = Client(enforce_csrf_checks=True)
    data = form_of(client, article) | {"comment": "Hello", "csrfmiddlewaretoken": "x" * 64}
    page = client.post("/comments/post/", data)
    assert page.status_code == 403
    assert "Please try again" in page.content.decode()
    assert not Comment.objects.exists()


def test_a_form_with_a_mistake_comes_back_with_what_was_written(client: Client, article: Article) -> None:
    data = form_of(client, article) | {"comment": "My <b>words</b>", "email": "nobody"}
    page = client.post("/comments/post/", data).content.decode()
    assert "Not saved yet" in page
    assert "Enter a valid email address" in page
    assert "My &lt;b&gt;words&lt;/b&gt;" in page
    assert not Comment.objects.exists()


def test_nul_is_refused_by_the_form(client: Client, article: Article) -> None:
    data = form_of(client, article) | {"comment": "a\x00b"}
    assert "Null characters are not allowed" in client.post("/comments/post/", data).content.decode()
    assert not Comment.objects.exists()


def test_many_comments_are_shown_page_by_page_newest_first(client: Client, article: Article) -> None:
    for number in range(51):
        add_comment(article, f"Number {number}.")
    first = client.get(article.get_absolute_url()).content.decode()
    assert "Number 50." in first
    assert "Number 0." not in first
    assert "Number 0." in client.get(article.get_absolute_url(), {"page": "2"}).content.decode()


def test_every_answer_carries_the_security_headers(client: Client, article: Article) -> None:
    headers = client.get("/").headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("is_public", "columns", "state"),
    [
        (False, {"verdict": "held", "status": "done"}, "waits for a moderator"),
        (False, {"verdict": "held", "status": "done", "outcome": "hide"}, "was hidden"),
        (True, {"verdict": "held", "status": "done", "outcome": "show"}, "was approved"),
        (True, {"verdict": "clear", "status": "done"}, ""),
        (True, {"verdict": "flagged", "status": "done", "outcome": "show"}, ""),
    ],
)
def test_what_became_of_a_held_comment_is_told_to_its_author_alone(
    client: Client, article: Article, is_public: bool, columns: dict[str, str], state: str
) -> None:
    client.post("/comments/post/", form_of(client, article) | {"comment": "Well <i>then</i>"})
    Comment.objects.update(is_public=is_public)
    Screening.objects.update(**columns)
    page = client.get(article.get_absolute_url()).content.decode()
    assert ("Your comments in review" in page) is bool(state)
    assert f"<strong>{state}</strong>" in page or not state
    assert "Well <i>" not in page
    others = Client().get(article.get_absolute_url()).content.decode()
    assert "in review" not in others
    assert ("Well &lt;i&gt;" in others) is is_public
    elsewhere = Article.objects.create(slug="b-test", title="B", standfirst="S", byline="B", body="One.")
    assert "in review" not in client.get(elsewhere.get_absolute_url()).content.decode()


def test_a_comment_that_the_site_removed_is_not_told_of(client: Client, article: Article) -> None:
    client.post("/comments/post/", form_of(client, article) | {"comment": "Hello"})
    Comment.objects.update(is_public=False, is_removed=True)
    assert "in review" not in client.get(article.get_absolute_url()).content.decode()


def test_each_comment_can_be_reported_without_script(client: Client, article: Article) -> None:
    comment = add_comment(article, "Shown to all")
    page = client.get(article.get_absolute_url()).content.decode()
    (address,) = re.findall(r'class="report-link" rel="nofollow" href="([^"]+)"', page)
    form = client.get(address).content.decode()
    assert 'method="post"' in form and "csrfmiddlewaretoken" in form and "The Market Square" in form
    client.post(address, {"reason": "abuse", "note": "<b>look</b>"})
    report = Report.objects.get()
    assert (report.screening.object_id, report.note) == (str(comment.pk), "<b>look</b>")


def test_only_who_wrote_a_hidden_comment_is_told_why_and_may_ask(client: Client, article: Article) -> None:
    client.post("/comments/post/", {**form_of(client, article), "comment": "Buy my lovely carpets"})
    screening = Screening.objects.get()
    Screening.objects.update(status="done", verdict="clear")
    moderator = User.objects.create_user("ann")
    decide(screening.pk, reviewer=moderator, kind="other_reason", reason="spam")
    page = client.get(article.get_absolute_url()).content.decode()
    assert "as advertising or spam" in page
    (address,) = re.findall(r'href="(/moderation/second-look/[^"]+)"', page)
    client.post(address, {"words": "It was a joke."})
    assert SecondLook.objects.get().words == "It was a joke."
    assert (
        "Another moderator will look at it again" in client.get(article.get_absolute_url()).content.decode()
    )
    stranger = Client().get(article.get_absolute_url()).content.decode()
    assert "carpets" not in stranger and "second-look" not in stranger
