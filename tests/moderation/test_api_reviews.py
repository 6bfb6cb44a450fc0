"""`reviews/`: decisions by people and by programs, and how each is refused that can't be made."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from moderation.models import ApiKey, AuditEntry, ItemClaim, ModelVersion, Review, Scoring, Screening
from moderation.review import claims
from moderation.review.decisions import decide
from tests.forum.models import Post
from tests.moderation.api import ROOT, get, key, pages, person, post, problem
from tests.moderation.conftest import LABELS, run_command, screen
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return person("ann", "review_screening")


def a_user(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def test_a_decision_is_recorded_and_carried_out(moderator: Client) -> None:
    thread = Post.objects.create(body="you idiot")
    screen()
    row = Screening.objects.get()
    scoring = row.scorings.get()
    response = post(
        moderator,
        "reviews/",
        {"screening": row.pk, "decision": "uphold", "scoring": scoring.pk, "note": "as before"},
    )
    assert response.status_code == 201
    review = row.reviews.get()
    assert response.json() == {
        **response.json(),
        "id": review.pk,
        "screening": row.pk,
        "number": 1,
        "kind": "decision",
        "decision": "uphold",
        "outcome": "hide",
        "labels": {"toxic": True, "threat": None, "insult": True},
        "model_version": "test@1",
        "reviewer": "ann",
        "note": "as before",
        "undoes": None,
        "touched": None,
        "reason": None,
    }
    thread.refresh_from_db()
    assert thread.is_visible is False
    assert AuditEntry.objects.get(action="review.decided").username == "ann"
    detail = get(moderator, f"screenings/{row.pk}/")
    assert detail["decision"] == response.json() and detail["reviews"] == [response.json()]
    assert detail["is_open"] is detail["is_decidable"] is False


def test_relabelling_answers_for_each_label(moderator: Client) -> None:
    row = queued("item")
    labels = {"toxic": False, "threat": True, "insult": False}
    response = post(moderator, "reviews/", {"screening": row.pk, "decision": "relabel", "labels": labels})
    assert (response.status_code, response.json()["labels"]) == (201, labels)
    assert response.json()["touched"] is None
    touching = {"decision": "relabel", "labels": labels, "touched": ["insult", "threat"]}
    answer = post(moderator, "reviews/", {"screening": queued("another").pk, **touching}).json()
    assert answer["touched"] == ["threat", "insult"]


def test_hiding_for_another_reason_names_it(moderator: Client) -> None:
    row = queued("item")
    given = {"screening": row.pk, "decision": "other_reason", "reason": "spam"}
    response = post(moderator, "reviews/", given)
    assert response.status_code == 201
    told = response.json()
    assert (told["decision"], told["outcome"], told["reason"]) == ("other_reason", "hide", "spam")
    assert set(told["labels"].values()) == {None}
    assert get(moderator, "stats/")["reviews"]["other_reason"] == 1


def test_a_second_decision_gets_409_with_the_first(moderator: Client) -> None:
    row = queued("item")
    first = decide(row.pk, reviewer=a_user("ben"), kind="false_positive")
    response = post(moderator, "reviews/", {"screening": row.pk, "decision": "uphold"})
    assert problem(response) == (409, "already_decided")
    assert response.json()["review"]["id"] == first.pk
    assert response.json()["review"]["reviewer"] == "ben"
    assert row.reviews.count() == 1


def test_what_a_colleague_looks_at_gets_409(moderator: Client) -> None:
    row = queued("item")
    claims.hold(a_user("ben"), row.pk)
    given = {"screening": row.pk, "decision": "uphold"}
    for asked in (given, {**given, "take_over": False}):
        response = post(moderator, "reviews/", asked)
        assert problem(response) == (409, "claimed")
        assert response.json()["holder"]["user"] == "ben"
    refused = post(moderator, "reviews/", {**given, "take_over": True})
    assert problem(refused) == (403, "may_not_take_over")
    assert not row.reviews.exists() and ItemClaim.objects.get().username == "ben"


def test_a_lead_takes_over_what_a_colleague_looks_at(version: ModelVersion) -> None:
    row, lead = queued("item"), person("lea", "review_screening", "lead_reviews")
    claims.hold(a_user("ben"), row.pk)
    given = {"screening": row.pk, "decision": "uphold"}
    assert problem(post(lead, "reviews/", given)) == (409, "claimed")
    bad = post(lead, "reviews/", {**given, "label": "unknown", "take_over": True})
    assert problem(bad) == (422, "invalid_decision")
    assert ItemClaim.objects.get().username == "ben"  # nothing was decided, and nothing was taken over
    assert post(lead, "reviews/", {**given, "take_over": True}).status_code == 201
    assert not ItemClaim.objects.exists()
    taken = AuditEntry.objects.get(action="item.taken_over")
    assert (taken.username, taken.before) == ("lea", {"held_by": "ben"})


def test_a_decision_ends_the_claim_of_who_decides_and_renews_the_others(moderator: Client) -> None:
    row, other, ann = queued("item"), queued("other"), User.objects.get(username="ann")
    for each in (row, other):
        claims.hold(ann, each.pk)
    soon = timezone.now() + timedelta(seconds=5)
    ItemClaim.objects.update(until=soon)
    assert post(moderator, "reviews/", {"screening": row.pk, "decision": "uphold"}).status_code == 201
    left = ItemClaim.objects.get()
    assert left.screening_id == other.pk and left.until > soon + timedelta(seconds=10)


def test_a_claim_that_outlived_a_decision_hides_no_conflict(moderator: Client) -> None:
    row, ben = queued("item"), a_user("ben")
    claims.hold(ben, row.pk)
    decide(row.pk, reviewer=ben, kind="false_positive")
    response = post(moderator, "reviews/", {"screening": row.pk, "decision": "uphold"})
    assert problem(response) == (409, "already_decided")


def test_who_may_not_see_an_item_is_not_told_who_looks_at_it(moderator: Client, settings: Any) -> None:
    row = queued("item")
    claims.hold(a_user("ben"), row.pk)
    settings.MODERATION = {**settings.MODERATION, "VISIBLE_SCREENINGS": f"{__name__}.nothing"}
    response = post(moderator, "reviews/", {"screening": row.pk, "decision": "uphold"})
    assert problem(response) == (400, "invalid") and b"ben" not in response.content


def nothing(user: User, rows: QuerySet[Screening]) -> QuerySet[Screening]:
    return rows.none()


def test_a_text_that_was_replaced_gets_409(moderator: Client) -> None:
    row = queued("a text that stays here", is_current=False)
    response = post(moderator, "reviews/", {"screening": row.pk, "decision": "uphold"})
    assert problem(response) == (409, "no_longer_current")
    assert b"stays here" not in response.content


def test_an_opinion_that_was_replaced_gets_409(moderator: Client) -> None:
    row = queued("item")
    given = {"screening": row.pk, "decision": "uphold", "scoring": row.scorings.get().pk}
    Scoring.objects.filter(screening=row).delete()
    assert problem(post(moderator, "reviews/", given)) == (409, "opinion_is_gone")
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"decision": "relabel"},
        {"decision": "relabel", "labels": {}},
        {"decision": "other_reason"},
        {"decision": "other_reason", "reason": "rude"},
        {"decision": "uphold", "reason": "spam"},
        {"decision": "relabel", "labels": {"toxic": True}},
        {"decision": "relabel", "labels": dict.fromkeys(LABELS, True), "touched": ["rude"]},
        {"decision": "relabel", "labels": {**dict.fromkeys(LABELS, True), "a\0b": True}},
    ],
    ids=str,
)
def test_a_decision_that_does_not_fit_gets_422(moderator: Client, given: dict[str, Any]) -> None:
    row = queued("item")
    assert problem(post(moderator, "reviews/", {"screening": row.pk, **given})) == (422, "invalid_decision")
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "given",
    [
        {"screening": 0},
        {"screening": 2**63},
        {"screening": 10**400},
        {"screening": "1"},
        {"screening": True},
        {"screening": 2**63 - 1},
        {"decision": "undo"},
        {"decision": ["uphold"]},
        {"decision": None},
        {"labels": []},
        {"labels": {"toxic": "true"}},
        {"note": 5},
        {"note": "a\0b"},
        {"note": "\ud800"},
        {"note": "x" * 5001},
        {"reason": 5},
        {"reason": "x" * 33},
        {"scoring": "5"},
        {"scoring": -1},
        {"scoring": 2**63},
    ],
    ids=lambda given: str(given)[:60],
)
def test_what_is_no_decision_gets_400_that_says_where(moderator: Client, given: dict[str, Any]) -> None:
    row = queued("item")
    response = post(moderator, "reviews/", {"screening": row.pk, "decision": "uphold", **given})
    assert problem(response) == (400, "invalid")
    assert set(response.json()["errors"]) == set(given)
    assert not Review.objects.exists()


def test_reviews_are_listed_the_newest_first_and_by_screening(moderator: Client) -> None:
    rows = [queued(f"item {number}") for number in range(5)]
    for row in rows:
        decide(row.pk, reviewer=User.objects.get(username="ann"), kind="uphold")
    listed = [review["screening"] for part in pages(moderator, "reviews/", limit=2) for review in part]
    assert listed == [row.pk for row in reversed(rows)]
    (only,) = get(moderator, "reviews/", screening=rows[2].pk)["results"]
    assert only["screening"] == rows[2].pk
    assert get(moderator, "reviews/", screening=2**63 - 1)["results"] == []
    for query in ({"screening": str(2**63)}, {"screening": "x"}, {"cursor": "si1"}, {"reviewer": "ann"}):
        assert problem(moderator.get(f"{ROOT}reviews/", query)) == (400, "invalid")


@pytest.mark.parametrize(
    ("permissions", "may_read", "may_decide"),
    [
        ((), 403, 403),
        (("view_review",), 200, 403),
        (("view_screening", "view_review"), 200, 403),
        (("review_screening",), 200, 201),
    ],
)
def test_a_user_decides_with_the_permission(
    version: ModelVersion, permissions: tuple[str, ...], may_read: int, may_decide: int
) -> None:
    row = queued("item")
    client = person("otto", *permissions)
    assert client.get(f"{ROOT}reviews/").status_code == may_read
    given = {"screening": row.pk, "decision": "uphold"}
    assert post(client, "reviews/", given).status_code == may_decide
    assert Review.objects.count() == (may_decide == 201)


def test_a_session_needs_its_csrf_token(version: ModelVersion) -> None:
    row = queued("item")
    client = person("ann", "review_screening")
    client.handler.enforce_csrf_checks = True
    response = post(client, "reviews/", {"screening": row.pk, "decision": "uphold"})
    assert problem(response) == (403, "permission_denied")
    assert not Review.objects.exists()


def test_a_key_decides_for_the_user_for_whom_it_acts(version: ModelVersion) -> None:
    row = queued("item")
    headers = key("review", user=a_user("ben", "review_screening"))
    given = {"screening": row.pk, "decision": "uphold"}
    strict = Client(enforce_csrf_checks=True)
    response = post(strict, "reviews/", given, headers=headers)
    assert (response.status_code, response.json()["reviewer"]) == (201, "ben")
    assert row.reviews.get().reviewer == User.objects.get(username="ben")


@pytest.mark.parametrize("who", ["nobody", "without the permission", "inactive", "another scope"])
def test_a_key_decides_for_nobody_else(version: ModelVersion, who: str) -> None:
    row = queued("item")
    ben = a_user("ben", *(() if who == "without the permission" else ("review_screening",)))
    if who == "inactive":
        User.objects.filter(pk=ben.pk).update(is_active=False)
    scope = "read" if who == "another scope" else "review"
    headers = key(scope, user=None if who == "nobody" else ben)
    response = post(Client(), "reviews/", {"screening": row.pk, "decision": "uphold"}, headers=headers)
    assert problem(response)[0] == 403
    if who == "nobody":
        assert "without a user" in response.json()["detail"]
    assert not Review.objects.exists()


def test_the_command_names_for_whom_a_key_decides(version: ModelVersion) -> None:
    row = queued("item")
    a_user("ben", "review_screening")
    raw = run_command("api_keys", "create", "a bot", "--scopes", "review", "--user", "ben").splitlines()[-1]
    given = {"screening": row.pk, "decision": "uphold"}
    response = post(Client(), "reviews/", given, headers={"x-goog-api-key": raw})
    assert (response.status_code, response.json()["reviewer"]) == (201, "ben")
    assert AuditEntry.objects.get(action="key.created").after["user"] == "ben"
    assert json.loads(run_command("api_keys", "list", "--json"))[0]["user"] == "ben"


@pytest.mark.parametrize("name", ["nobody", "inactive"])
def test_the_command_takes_active_users_alone(db: None, name: str) -> None:
    User.objects.create_user("inactive", is_active=False)
    with pytest.raises(CommandError, match="no active user"):
        run_command("api_keys", "create", "a bot", "--scopes", "review", "--user", name)
    assert not ApiKey.objects.exists()


def test_a_key_that_is_made_in_the_admin_decides_for_its_maker_alone(db: None) -> None:
    """Whoever may make keys could decide in anybody's name otherwise."""
    other = a_user("ben", "review_screening")
    maker = User.objects.create_user("olga", is_staff=True)
    maker.user_permissions.set(Permission.objects.filter(codename__in=["add_apikey", "view_apikey"]))
    client = Client()
    client.force_login(maker)
    for scope in ("review", "read"):
        data = {"name": scope, "scopes": [scope], "quota": "60", "origins": "", "user": str(other.pk)}
        client.post("/admin/moderation/apikey/add/", data)
    assert {key.name: key.user for key in ApiKey.objects.all()} == {"review": maker, "read": None}


def test_a_key_of_a_user_who_is_gone_decides_nothing(version: ModelVersion) -> None:
    row = queued("item")
    ben = a_user("ben", "review_screening")
    headers = key("review", user=ben)
    ben.delete()
    response = post(Client(), "reviews/", {"screening": row.pk, "decision": "uphold"}, headers=headers)
    assert problem(response) == (403, "permission_denied")
