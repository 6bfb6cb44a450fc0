"""`screenings/`: what is listed, in which order, to whom, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.models import ModelVersion, Screening
from moderation.models.keys import TEST_KEY
from moderation.retention import blank_due
from tests.forum.models import Note, Post
from tests.moderation.api import ROOT, get, key, pages, person, problem
from tests.moderation.conftest import LABELS, screen
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(version: ModelVersion) -> Client:
    return person("ann", "view_screening")


def texts(answer: Any) -> list[str]:
    return [row["text"] for row in answer["results"]]


def test_states_are_listed_as_the_queue_lists_them(reader: Client) -> None:
    now = timezone.now()
    queued("mild", 0.1)
    queued("worst", 0.45, verdict="held", queued_for="held")
    queued("broken", 0.0, status="failed", verdict="", queued_for="failed")
    queued("judged first", outcome="show", reviewed=now - timedelta(minutes=2))
    queued("judged last", outcome="hide", reviewed=now)
    queued("clear one", -0.3, verdict="clear", queued_for="")
    assert texts(get(reader, "screenings/", state="open")) == ["worst", "mild", "broken"]
    assert texts(get(reader, "screenings/", state="decided")) == ["judged last", "judged first"]
    assert texts(get(reader, "screenings/", state="failed")) == ["broken"]
    assert texts(get(reader, "screenings/"))[0] == "clear one"
    assert len(get(reader, "screenings/")["results"]) == 6


def test_filters_narrow_a_state_to_a_label_or_a_verdict(reader: Client) -> None:
    queued("flagged one")
    queued("held one", verdict="held", queued_for="held")
    queued("judged", outcome="show", reviewed=timezone.now())

    def found(**query: str) -> set[str]:
        return set(texts(get(reader, "screenings/", **query)))

    assert found(state="open", verdict="held") == {"held one"}
    assert found(state="open", verdict="flagged") == {"flagged one"}
    assert found(state="open", label="toxic") == {"flagged one", "held one"}
    assert found(state="open", label="threat") == set()
    assert found(state="decided", label="toxic", verdict="flagged") == {"judged"}
    assert found(state="decided", verdict="held") == set()


@pytest.mark.parametrize("state", ["open", "decided", "failed", "all"])
def test_pages_follow_each_other_without_a_gap_or_a_repeat(reader: Client, state: str) -> None:
    moment = timezone.now()
    for number in range(7):
        queued(f"item {number}", 0.1 * (number // 3))  # some are equally severe
        queued(f"judged {number}", outcome="hide", reviewed=moment + timedelta(seconds=number // 3))
        queued(f"broken {number}", 0.0, status="failed", verdict="", queued_for="")
    whole = get(reader, "screenings/", state=state, limit=100)
    assert whole["next"] is None and len(whole["results"]) >= 7
    parts = pages(reader, "screenings/", state=state, limit=3)
    assert [len(part) for part in parts[:-1]] == [3] * (len(parts) - 1)
    assert [row["id"] for part in parts for row in part] == [row["id"] for row in whole["results"]]


def test_a_screening_says_what_was_made_of_it(reader: Client) -> None:
    post = Post.objects.create(body="you idiot")
    screen()
    row = Screening.objects.get()
    (listed,) = get(reader, "screenings/", model="forum.Post", object_id=post.pk)["results"]
    scoring = row.scorings.get()
    assert listed == {
        **listed,
        "id": row.pk,
        "source": "object",
        "model": "forum.Post",
        "object_id": str(post.pk),
        "text": "you idiot",
        "language": "en",
        "is_open": True,
        "is_decidable": True,
        "is_blind": False,
        "queued_for": "flagged",
        "verdict": "flagged",
        "severity": pytest.approx(0.2),
        "labels": ["toxic", "insult"],
        "scoring": scoring.pk,
        "scores": {"toxic": 0.7, "threat": 0.01, "insult": 0.7},
        "model_version": "test@1",
        "labels_to_judge": list(LABELS),
        "can_be_upheld": True,
        "outcome": None,
        "decision": None,
        "sampling_probability": None,
    }
    detail = get(reader, f"screenings/{row.pk}/")
    assert {name: detail[name] for name in listed} == listed
    assert [each["id"] for each in detail["scorings"]] == [scoring.pk] and detail["reviews"] == []


def test_what_waits_for_its_language_is_told_without_scores(reader: Client, settings: Any) -> None:
    post = {"text": "body", "other_languages": "queue"}
    settings.MODERATION = {**settings.MODERATION, "MODELS": {"forum.Post": post}}
    Post.objects.create(body="Das Buch ist mir zu dick")
    screen()
    (listed,) = get(reader, "screenings/", state="open", verdict="unjudged")["results"]
    expected = {"language": "de", "verdict": "unjudged", "queued_for": "language", "scores": None}
    assert {name: listed[name] for name in expected} == expected
    assert get(reader, "screenings/", state="open", verdict="flagged")["results"] == []


def test_an_object_is_found_with_all_its_texts_the_newest_first(reader: Client) -> None:
    post = Post.objects.create(body="you idiot")
    Note.objects.create(pk=post.pk, text="another model's")
    screen()
    post.body = "sorry"
    post.save()
    screen()
    assert texts(get(reader, "screenings/", model="forum.Post", object_id=post.pk)) == ["sorry", "you idiot"]
    assert texts(get(reader, "screenings/", model="forum.post", object_id=f"0{post.pk}")) != []
    assert texts(get(reader, "screenings/", model="forum.Post", object_id=post.pk + 1)) == []


def test_a_text_that_was_blanked_is_blank(reader: Client, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 1}
    Post.objects.create(body="a nice remark")
    screen()
    Screening.objects.update(created=timezone.now() - timedelta(days=2))
    blank_due()
    (row,) = get(reader, "screenings/")["results"]
    assert row["text"] == "" and row["blanked"] is not None and row["is_decidable"] is False


def test_a_page_takes_as_many_queries_however_long_it_is(reader: Client) -> None:
    def queries(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(get(reader, "screenings/", state="open", limit=limit)["results"]) == limit
        assert not [query for query in captured.captured_queries if "COUNT(" in query["sql"]]
        return len(captured.captured_queries)

    for number in range(30):
        queued(f"item {number}")
    queries(1)  # fills Django's caches
    assert queries(2) == queries(30)


@pytest.mark.parametrize(
    ("permissions", "status"),
    [((), 403), (("view_review",), 403), (("view_screening",), 200), (("review_screening",), 200)],
)
def test_a_user_reads_with_a_permission(
    version: ModelVersion, permissions: tuple[str, ...], status: int
) -> None:
    row = queued("a text that stays here")
    client = person("otto", *permissions)
    for path in ("screenings/", f"screenings/{row.pk}/", "stats/"):
        response = client.get(ROOT + path)
        assert response.status_code == status
        assert status == 200 or b"stays here" not in response.content


def test_a_key_reads_with_a_scope_and_has_no_other_permission(version: ModelVersion) -> None:
    queued("item")
    visitor = Client()
    assert problem(visitor.get(f"{ROOT}screenings/"))[0] == 403
    for scopes, status in ((("read",), 200), (("review",), 200), (("classify", "analyze"), 403)):
        assert visitor.get(f"{ROOT}screenings/", headers=key(*scopes)).status_code == status
    staff = person("root", "view_screening")
    assert staff.get(f"{ROOT}screenings/", headers=key("classify")).status_code == 403


def test_the_test_key_reads_nothing(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "API_TEST_KEY": True}
    queued("a text that stays here")
    for path in ("screenings/", "reviews/", "policies/", "model-versions/", "stats/"):
        response = Client().get(ROOT + path, headers={"x-goog-api-key": TEST_KEY})
        assert problem(response) == (403, "permission_denied")


@pytest.mark.parametrize(
    "query",
    [
        {"state": "closed"},
        {"state": "a\0b"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "9" * 5000},
        {"limit": "-1"},
        {"limit": "\u0663"},
        {"cursor": "x"},
        {"cursor": ""},
        {"cursor": "i0"},
        {"cursor": f"i{2**63}"},
        {"cursor": "i1\0"},
        {"cursor": "si5"},
        {"state": "open", "cursor": "i5"},
        {"state": "open", "cursor": f"si{2**63 - 1}"},
        {"label": "toxic"},
        {"state": "failed", "verdict": "held"},
        {"state": "open", "verdict": "clear"},
        {"state": "open", "label": "a\0b"},
        {"model": "forum.Post"},
        {"object_id": "5"},
        {"model": "forum.Nothing", "object_id": "5"},
        {"model": "a.b.c", "object_id": "5"},
        {"model": "forum.Post", "object_id": "x"},
        {"model": "forum.Post", "object_id": "1\0"},
        {"model": "forum.Post", "object_id": "9" * 256},
        {"author": "5"},
        {"a\0b": "5"},
    ],
    ids=str,
)
def test_what_is_no_question_gets_a_400_that_says_where(reader: Client, query: dict[str, str]) -> None:
    response = reader.get(f"{ROOT}screenings/", query)
    assert problem(response) == (400, "invalid")
    assert response.json()["errors"] and len(response.content) < 1000


@pytest.mark.parametrize("object_id", ["9" * 100, str(2**63), "-1", "0", "\ud800"])
def test_a_key_that_no_object_has_finds_nothing(reader: Client, object_id: str) -> None:
    query = {"model": "forum.Post", "object_id": object_id.encode("utf-8", "replace").decode()}
    response = reader.get(f"{ROOT}screenings/", query)
    assert response.status_code in (200, 400)
    assert response.json().get("results", []) == []


@pytest.mark.parametrize(
    "name", ["x", "0", "-1", str(2**63), "9" * 5000, "%00", "%ED%A0%80", "1.5", "\u0663"]
)
@pytest.mark.parametrize("path", ["screenings", "model-versions"])
def test_what_is_no_id_is_not_found(version: ModelVersion, path: str, name: str) -> None:
    reader = person("ann", "view_screening", "view_modelversion")
    assert problem(reader.get(f"{ROOT}{path}/{name}/")) == (404, "not_found")
