"""`reports/`, `notices/` and `second-looks/`: for whom they are, and what each does."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.models import Report, Screening, SecondLook
from moderation.review.decisions import decide
from moderation.visitors import links
from tests.forum.models import Post
from tests.moderation.api import ROOT, get, key, person, post, problem
from tests.moderation.conftest import screen

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]


def published(text: str = "fine words", **columns: Any) -> Post:
    made = Post.objects.create(body=text, **columns)
    screen()
    return made


def hidden(**columns: Any) -> Post:
    made = published("you idiot", **columns)
    row = Screening.objects.get(object_id=str(made.pk))
    decide(row.pk, reviewer=User.objects.create_user(f"mod{row.pk}"), kind="uphold")
    return made


def about(made: Any, **more: Any) -> dict[str, Any]:
    return {"model": "forum.Post", "object_id": str(made.pk), **more}


def test_a_user_reports() -> None:
    ann, made = person("ann"), published()
    answer = post(ann, "reports/", about(made, reason="spam", note="again"))
    report = Report.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"id": report.pk, "state": "open"})
    assert (report.source, report.note) == ("api", "again")
    assert report.reporter == User.objects.get(username="ann")
    assert post(ann, "reports/", about(made, reason="spam")).json()["id"] == report.pk


def test_a_key_reports_for_readers() -> None:
    made, header = published(), key("report")
    for reader in ("7", "8", "7"):
        answer = post(Client(), "reports/", about(made, reason="abuse", reporter=reader), headers=header)
        assert answer.status_code == 201
    assert set(Report.objects.values_list("key_name", "reporter")) == {("a program", None)}
    assert Report.objects.count() == 2


def test_what_was_decided_is_settled() -> None:
    made = published("you idiot")
    row = Screening.objects.get()
    decide(row.pk, reviewer=User.objects.create_user("mod"), kind="false_positive")
    assert post(person("ann"), "reports/", about(made, reason="abuse")).json()["state"] == "settled"


def test_others_do_not_report() -> None:
    body = about(published(), reason="spam")
    assert problem(post(Client(), "reports/", body)) == (403, "not_authenticated")
    for scope in ("read", "review", "classify"):
        assert problem(post(Client(), "reports/", body, headers=key(scope))) == (403, "scope")
    ann = Client(enforce_csrf_checks=True)
    ann.force_login(User.objects.create_user("ann"))
    assert problem(post(ann, "reports/", body)) == (403, "permission_denied")
    assert Client().get(f"{ROOT}reports/").status_code == 405
    assert not Report.objects.exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"reason": "toxic"}, 400),
        ({"reason": 7}, 400),
        ({"note": "x" * 1001}, 400),
        ({"model": "auth.User"}, 404),
        ({"object_id": "no number"}, 404),
        ({"object_id": "9" * 200}, 404),
        ({"object_id": "123456"}, 404),
    ],
)
def test_what_is_wrong_is_refused(change: dict[str, Any], status: int) -> None:
    body = {**about(published(), reason="spam"), **change}
    assert problem(post(person("ann"), "reports/", body))[0] == status
    assert not Report.objects.exists()


def test_what_is_not_shown_is_not_there() -> None:
    assert problem(post(person("ann"), "reports/", about(hidden(), reason="spam"))) == (404, "not_found")


def test_reports_are_throttled(settings: Any) -> None:
    settings.REST_FRAMEWORK = {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": {"moderation_report": "1/hour"},
    }
    ann = person("ann")
    answers = [post(ann, "reports/", about(published(str(number)), reason="spam")) for number in range(2)]
    assert [answer.status_code for answer in answers] == [201, 429] and "Retry-After" in answers[1]


def test_an_author_reads_the_notice_and_asks() -> None:
    ann = person("ann")
    made = hidden(author=User.objects.get(username="ann"))
    notice = get(ann, "notices/", **about(made))
    assert (notice["state"], notice["may_ask"], notice["is_asked"]) == ("hidden", True, False)
    assert "toxic" not in str(notice) and not SecondLook.objects.exists()
    answer = post(ann, "second-looks/", about(made, words="A quote."))
    assert (answer.status_code, answer.json()["is_asked"]) == (201, True)
    assert SecondLook.objects.get().words == "A quote."
    assert problem(post(ann, "second-looks/", about(made))) == (409, "cannot_ask")


def test_a_token_stands_for_the_author() -> None:
    made = hidden()
    token = links.author_token(made)
    assert get(Client(), "notices/", token=token)["state"] == "hidden"
    assert post(Client(), "second-looks/", {"token": token}).status_code == 201
    assert SecondLook.objects.count() == 1


def test_there_is_nothing_to_tell_of_a_public_text() -> None:
    token = links.author_token(published())
    nothing = {"state": None, "sentence": "", "may_ask": False, "is_asked": False}
    assert get(Client(), "notices/", token=token) == nothing
    assert problem(post(Client(), "second-looks/", {"token": token})) == (409, "cannot_ask")


def test_others_are_told_nothing() -> None:
    made, ben = hidden(author=User.objects.create_user("ann")), person("ben", "review_screening")
    reader = links.report_url(made).split("/")[-2]
    for client, asked in (
        (ben, about(made)),
        (Client(), about(made)),
        (ben, {"token": reader}),
        (ben, {"token": "x"}),
        (ben, {}),
    ):
        assert problem(client.get(f"{ROOT}notices/", asked)) == (404, "not_found")
        assert problem(post(client, "second-looks/", asked)) == (404, "not_found")
    for header in (key("report"), key("review", "read")):
        answer = Client().get(f"{ROOT}notices/", about(made), headers=header)
        assert problem(answer) == (403, "permission_denied")
    assert not SecondLook.objects.exists()
