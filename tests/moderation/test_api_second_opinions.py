"""What is dealt for a second opinion is, in the API too, an open item that is judged blind."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from moderation.models import ModelVersion, Review, Screening
from moderation.review import claims, second_opinions
from tests.moderation.api import get, key, pages, person, post, problem
from tests.moderation.conftest import LABELS
from tests.moderation.test_api_blind import told
from tests.moderation.test_dealing_second_opinions import VERDICTS, deal
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db
EVERYTHING = {*VERDICTS, "another nice remark"}


@pytest.fixture
def dealt(version: ModelVersion, settings: Any) -> dict[str, Screening]:
    return deal(User.objects.create_user("ann"), settings)


@pytest.fixture
def ben(dealt: dict[str, Screening]) -> Client:
    return person("ben", "review_screening")


def listed(client: Client, **query: str) -> list[dict[str, Any]]:
    return [row for part in pages(client, "screenings/", **query) for row in part]


def test_it_is_told_as_an_open_item_that_is_judged_blind(ben: Client, dealt: dict[str, Screening]) -> None:
    for rows in (
        listed(ben, state="open"),
        listed(ben, state="open", verdict="flagged"),
        listed(ben),
        [get(ben, f"screenings/{row.pk}/") for row in dealt.values()],
        [
            row
            for each in dealt.values()
            for row in listed(ben, model="forum.Post", object_id=each.object_id, state="all")
        ],
    ):
        assert {row["text"] for row in rows} == EVERYTHING
        assert all(told(row) == told(rows[0]) for row in rows)
        assert rows[0]["is_open"] and rows[0]["is_blind"] and rows[0]["is_decidable"]
        assert rows[0]["outcome"] is rows[0]["decision"] is rows[0]["scores"] is None
    assert listed(ben, state="decided") == []
    assert listed(ben, state="open", verdict="held") == []


def test_a_label_lists_it_where_it_would_stand(ben: Client, dealt: dict[str, Screening]) -> None:
    row = dealt["you idiot"]
    Screening.objects.filter(pk=row.pk).update(labels='["insult"]')
    assert row.text in {each["text"] for each in listed(ben, state="open", label="insult")}
    assert row.text not in {each["text"] for each in listed(ben, state="open", label="threat")}


@pytest.mark.parametrize("query", [{"state": "open"}, {"state": "all"}])
def test_pages_of_any_size_have_it_at_the_same_place(
    ben: Client, dealt: dict[str, Screening], query: dict[str, str]
) -> None:
    for number in range(5):
        queued(f"more {number}", number / 10)
    whole = [row["text"] for row in listed(ben, **query, limit="100")]
    assert len(whole) == 9 and set(VERDICTS) < set(whole)
    for limit in range(1, 10):
        parts = list(pages(ben, "screenings/", **query, limit=str(limit)))
        assert [row["text"] for part in parts for row in part] == whole
        assert {len(part) for part in parts[:-1]} <= {limit}


def test_an_object_s_open_screenings_have_it(ben: Client, dealt: dict[str, Screening]) -> None:
    for row in dealt.values():
        query = {"state": "open", "model": "forum.Post", "object_id": row.object_id}
        assert [each["id"] for each in listed(ben, **query)] == [row.pk]


def test_what_a_colleague_looks_at_is_refused_alike(ben: Client, dealt: dict[str, Screening]) -> None:
    cleo = person("cleo", "review_screening")
    keys = {row.pk for row in dealt.values()}
    holder = User.objects.get(username="ben")
    assert all(claims.hold(holder, key, dealt=second_opinions.dealt_to(holder)) for key in keys)
    answers = [post(cleo, "reviews/", {"screening": key, "decision": "false_positive"}) for key in keys]
    assert {problem(answer) for answer in answers} == {(409, "claimed")}
    assert {answer.json()["detail"] for answer in answers} == {"ben looks at it."}


def test_who_is_dealt_nothing_is_told_the_decisions(dealt: dict[str, Screening]) -> None:
    onlooker = person("zoe", "view_screening", "view_review")
    assert {row["text"] for row in listed(onlooker, state="decided")} == set(VERDICTS)
    assert len(get(onlooker, "reviews/")["results"]) == 3
    headers = key("read")
    answer = Client().get("/api/moderation/screenings/?state=decided", headers=headers).json()
    assert {row["text"] for row in answer["results"]} == set(VERDICTS)


def test_a_key_that_acts_for_somebody_is_told_no_more_than_they(dealt: dict[str, Screening]) -> None:
    user = User.objects.create_user("ben")
    user.user_permissions.set(Permission.objects.filter(codename="review_screening"))
    headers = key("read", "review", user=user)
    client = Client()
    answer = client.get(f"/api/moderation/screenings/{dealt['you idiot'].pk}/", headers=headers).json()
    assert answer["is_blind"] and answer["decision"] is None and answer["reviews"] == []
    assert client.get("/api/moderation/reviews/", headers=headers).json()["results"] == []


def test_no_list_of_reviews_tells_it_until_the_opinion_is_given(
    ben: Client, dealt: dict[str, Screening]
) -> None:
    row = dealt["you idiot"]
    assert get(ben, "reviews/")["results"] == []
    assert get(ben, "reviews/", screening=row.pk)["results"] == []
    answer = post(ben, "reviews/", {"screening": row.pk, "decision": "false_positive"})
    assert answer.status_code == 201 and answer.json()["kind"] == "second_opinion"
    assert Screening.objects.get(pk=row.pk).outcome == "hide"
    assert {review["reviewer"] for review in get(ben, "reviews/")["results"]} == {"ann", "ben"}
    assert get(ben, f"screenings/{row.pk}/")["outcome"] == "hide"


@pytest.mark.parametrize(
    "decision",
    [
        {"decision": "uphold"},
        {"decision": "false_positive", "scoring": 1},
        {"decision": "false_positive", "seen_number": 1},
        {"decision": "false_positive", "seen_number": 7},
        {"decision": "relabel", "labels": {"toxic": True}},
        {"decision": "relabel", "labels": dict.fromkeys(LABELS, True), "scoring": 2**63 - 1},
    ],
    ids=str,
)
def test_no_decision_that_is_refused_tells_them_apart(
    ben: Client, dealt: dict[str, Screening], decision: dict[str, Any]
) -> None:
    answers = []
    for row in dealt.values():
        answer = post(ben, "reviews/", {"screening": row.pk, **decision})
        assert problem(answer) == (422, "invalid_decision")
        answers.append(answer.json())
    assert all(answer == answers[0] for answer in answers)
    assert Review.objects.count() == 3


def test_nobody_takes_back_what_looks_open_to_them(dealt: dict[str, Screening]) -> None:
    lead = person("lea", "review_screening", "lead_reviews")
    review = Review.objects.get(screening=dealt["you idiot"])
    assert problem(post(lead, f"reviews/{review.pk}/undo/", {})) == (404, "not_found")
    assert Review.objects.count() == 3
