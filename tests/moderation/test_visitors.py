"""The visitors' pages: who may see them, what they take, and that nothing else changes anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.models import Site
from django.core import signing
from django.template import Context, Template
from django.test import Client, RequestFactory
from django_comments.models import Comment
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from moderation.api import throttling as api
from moderation.models import Report, Screening, SecondLook
from moderation.nudging import throttling as nudging
from moderation.review.decisions import decide
from moderation.screening.on_request import NotModerated
from moderation.throttling import CallerThrottle, caller_of
from moderation.visitors import links
from moderation.visitors.throttling import ReportThrottle
from tests.forum.models import Note, Post
from tests.moderation.api import ROOT
from tests.moderation.conftest import screen

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]


def published(text: str = "fine words") -> Post:
    post = Post.objects.create(body=text)
    screen()
    return Post.objects.get(pk=post.pk)


def hidden(text: str = "you idiot") -> Post:
    post = published(text)
    row = Screening.objects.get(object_id=str(post.pk))
    decide(row.pk, reviewer=User.objects.create_user(f"mod{row.pk}"), kind="uphold")
    return Post.objects.get(pk=post.pk)


def nothing_changed() -> bool:
    is_queued = Screening.objects.exclude(queued_for="").filter(outcome="").exists()
    return not (Report.objects.exists() or SecondLook.objects.exists() or is_queued)


def test_a_reader_without_an_account_reports() -> None:
    client, post = Client(enforce_csrf_checks=True), published()
    address = links.report_url(post)
    page = client.get(address)
    assert page.status_code == 200 and nothing_changed()
    assert "no-store" in page["Cache-Control"] and post.body not in page.content.decode()
    form = {"reason": "abuse", "note": "see <b>", "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
    answer = client.post(address, form, follow=True)
    assert "Thank you" in answer.content.decode() and answer.redirect_chain
    report = Report.objects.get()
    assert (report.source, report.reason, report.note, report.reporter) == ("page", "abuse", "see <b>", None)


def test_a_user_reports_once() -> None:
    client, ann, post = Client(), User.objects.create_user("ann"), published()
    client.force_login(ann)
    for _ in range(2):
        assert client.post(links.report_url(post), {"reason": "spam"}).status_code == 302
    assert Report.objects.get().reporter == ann


def test_a_report_without_csrf_token_is_refused() -> None:
    post = published()
    for address in (links.report_url(post), links.second_look_url(post)):
        answer = Client(enforce_csrf_checks=True).post(address, {"reason": "abuse"})
        assert answer.status_code == 403 and nothing_changed()


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_nothing_but_a_post_changes_anything(client: Client, method: str) -> None:
    post = published()
    for address in (links.report_url(post), links.second_look_url(post)):
        answer = getattr(client, method)(f"{address}?reason=abuse&words=x")
        assert answer.status_code == (200 if method in ("get", "head") else 405)
    assert nothing_changed()


def test_a_form_that_is_not_complete_is_shown_again(client: Client) -> None:
    post = published()
    for form in ({}, {"reason": "toxic"}, {"reason": "abuse", "note": "x" * 1001}):
        answer = client.post(links.report_url(post), form)
        assert answer.status_code == 400 and 'role="alert"' in answer.content.decode()
    assert nothing_changed()


def test_an_address_speaks_for_its_object_and_its_purpose_alone(client: Client) -> None:
    post = published()
    report_url, second_look_url = links.report_url(post), links.second_look_url(post)  # signed in one second
    reader, author = report_url.split("/")[-2], second_look_url.split("/")[-2]
    forged = signing.dumps(["forum.Post", str(post.pk)], salt="another")
    for token in (author, forged, reader[:-1], "x", signing.dumps(7, salt=links.REPORT_SALT)):
        address = report_url.replace(reader, token)
        assert client.post(address, {"reason": "abuse"}).status_code == 404
    for token in (reader, forged, "x"):
        address = second_look_url.replace(author, token)
        assert client.post(address, {}).status_code == 404
    assert nothing_changed()


def test_an_author_s_address_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    post = hidden()
    address = links.second_look_url(post)
    monkeypatch.setattr(links, "AUTHOR_DAYS", -1)
    assert client.get(address).status_code == 404
    assert client.post(address, {}).status_code == 404 and not SecondLook.objects.exists()


def test_what_is_not_shown_can_not_be_reported(client: Client) -> None:
    post, gone = hidden(), published()
    addresses = [links.report_url(post), links.report_url(gone)]
    gone.delete()
    for address in addresses:
        assert client.get(address).status_code == 404
        assert client.post(address, {"reason": "abuse"}).status_code == 404
    assert not Report.objects.exists()


def test_reports_are_throttled_by_address_and_by_user(client: Client, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"moderation_report": "2/hour"}}
    posts = [published(f"text {number}") for number in range(3)]
    answers = [client.post(links.report_url(post), {"reason": "abuse"}) for post in posts]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 3600 and "try again" in answers[2].content.decode()
    assert Report.objects.count() == 2
    client.force_login(User.objects.create_user("ann"))
    assert client.post(links.report_url(posts[2]), {"reason": "abuse"}).status_code == 302
    other = Client(REMOTE_ADDR="192.0.2.9")
    assert other.post(links.report_url(posts[2]), {"reason": "abuse"}).status_code == 302


def test_one_household_is_one_reader() -> None:
    requests = [RequestFactory(REMOTE_ADDR=address).get("/") for address in ("2001:db8::1", "2001:db8::2")]
    assert len({caller_of(request) for request in requests}) == 1


@pytest.mark.parametrize("throttle", [ReportThrottle, nudging.AddressThrottle, api.ReadThrottle])
def test_every_throttle_counts_one_household_as_one_caller(throttle: type[CallerThrottle]) -> None:
    keys = {
        throttle().get_cache_key(Request(RequestFactory(REMOTE_ADDR=address).get("/")), None)
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::9")
    }
    assert len(keys) == 1
    other = Request(RequestFactory(REMOTE_ADDR="2001:db8:0:1::1").get("/"))
    assert throttle().get_cache_key(other, None) not in keys


def test_reports_over_the_api_count_with_those_of_the_page(client: Client, settings: Any) -> None:
    rates = {"moderation_report": "1/hour"}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
    post, other = published("one"), published("other")
    client.force_login(User.objects.create_user("ann"))
    assert client.post(links.report_url(post), {"reason": "abuse"}).status_code == 302
    given = {"model": "forum.Post", "object_id": str(other.pk), "reason": "abuse"}
    assert client.post(f"{ROOT}reports/", given, content_type="application/json").status_code == 429


def test_a_cache_that_is_away_stops_no_reader(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(SimpleRateThrottle, "allow_request", away)
    assert client.post(links.report_url(published()), {"reason": "abuse"}).status_code == 302


def test_an_author_asks_for_a_second_look(client: Client) -> None:
    post = hidden()
    address = links.second_look_url(post)
    page = client.get(address).content.decode()
    assert "how it is worded" in page and "<textarea" in page and not SecondLook.objects.exists()
    answer = client.post(address, {"words": "A quote."}, follow=True)
    assert "Thank you" in answer.content.decode()
    assert SecondLook.objects.get().words == "A quote."
    assert client.post(address, {"words": "Again."}).status_code == 409
    assert "<textarea" not in client.get(address).content.decode()
    assert SecondLook.objects.count() == 1


def test_an_author_can_not_ask_about_a_text_that_is_shown(client: Client) -> None:
    post = published()
    assert client.get(links.second_look_url(post)).status_code == 200
    assert client.post(links.second_look_url(post), {}).status_code == 409
    assert client.post(links.second_look_url(hidden()), {"words": "x" * 2001}).status_code == 400
    assert not SecondLook.objects.exists()


def test_second_looks_are_throttled(client: Client, settings: Any) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"moderation_second_look": "1/hour"}}
    posts = [hidden(f"idiot {number}") for number in range(2)]
    answers = [client.post(links.second_look_url(post), {}) for post in posts]
    assert [answer.status_code for answer in answers] == [302, 429]
    assert SecondLook.objects.count() == 1


def test_the_tags_show_a_notice_and_the_addresses() -> None:
    template = Template("{% load moderation %}{% author_notice post %}|{% report_url post %}")
    notice, address = template.render(Context({"post": hidden()})).split("|")
    assert "how it is worded" in notice and "second-look" in notice and "/report/" in address
    notice, _ = template.render(Context({"post": published()})).split("|")
    assert notice.strip() == ""
    with pytest.raises(NotModerated):
        links.report_url(User.objects.create_user("ann"))


def test_no_address_names_what_is_not_moderated() -> None:
    assert links.find("auth.User", "1") is None and links.find(7, "1") is None
    assert links.find("forum.Note", "no uuid") is None and links.find("forum.Post", "9" * 40) is None
    note = Note.objects.create(text="fine")
    assert links.find("forum.Note", str(note.pk)) is not None


@pytest.mark.urls("mysite.urls")
def test_a_flag_of_contrib_comments_is_a_report(client: Client) -> None:
    ann = User.objects.create_user("ann")
    client.force_login(ann)
    comment = Comment.objects.create(
        content_type=ContentType.objects.get_for_model(User),
        object_pk=str(ann.pk),
        site=Site.objects.get_current(),
        comment="fine words",
    )
    screen()
    for _ in range(2):
        client.post(f"/comments/flag/{comment.pk}/")
    report = Report.objects.get()
    assert (report.source, report.reporter, report.reason) == ("comments", ann, "other")
    assert Screening.objects.get(object_id=str(comment.pk)).queued_for == "reported"
