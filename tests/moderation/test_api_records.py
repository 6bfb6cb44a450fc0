"""`policies/`, `model-versions/` and `stats/`."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.models import AuditEntry, ModelVersion, Policy, Screening
from tests.forum.models import Post
from tests.moderation.api import ROOT, get, key, pages, person, post, problem
from tests.moderation.conftest import make_version, screen
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(version: ModelVersion) -> Client:
    return person("olga", "add_policy", "view_modelversion", "view_screening")


def test_new_thresholds_are_a_new_row_with_an_audit_entry_and_in_force(operator: Client) -> None:
    first = {"insult": {"flag": 0.6, "hold": 0.95}, "threat": {"flag": None}}
    response = post(operator, "policies/", {"model": "forum.Post", "thresholds": first, "note": "stricter"})
    assert response.status_code == 201
    assert response.json() == {
        **response.json(),
        "model": "forum.Post",
        "thresholds": first,
        "is_in_force": True,
        "created_by": "olga",
        "note": "stricter",
    }
    second = {"insult": {"flag": 0.8, "hold": None}}
    assert post(operator, "policies/", {"model": "forum.Post", "thresholds": second}).status_code == 201
    entry = AuditEntry.objects.filter(action="policy.changed").latest("id")
    assert (entry.username, entry.before["thresholds"], entry.after["thresholds"]) == ("olga", first, second)
    Post.objects.create(body="you idiot")  # scores 0.7 as an insult, and as toxic
    screen()
    scoring = Screening.objects.get().scorings.get()
    assert scoring.thresholds["insult"] == 0.8 and scoring.policy == Policy.objects.latest("id")


def test_policies_are_listed_the_newest_first_and_those_in_force_alone(operator: Client) -> None:
    for number, label in enumerate(["", "forum.Post", "", "forum.Post", "forum.Note"]):
        Policy.objects.create(model_label=label, thresholds={"insult": {"flag": number / 10}})

    def flags(**query: Any) -> list[float]:
        found = [row for part in pages(operator, "policies/", limit=2, **query) for row in part]
        return [row["thresholds"]["insult"]["flag"] for row in found]

    assert flags() == [0.4, 0.3, 0.2, 0.1, 0.0]
    assert flags(in_force="true") == [0.4, 0.3, 0.2]
    assert flags(model="forum.Post") == [0.3, 0.1]
    assert flags(model="", in_force="true") == [0.2]
    in_force = [row["is_in_force"] for row in get(operator, "policies/")["results"]]
    assert in_force == [True, True, True, False, False]


def test_a_policy_is_withdrawn_once(operator: Client) -> None:
    given = {"model": "forum.Post", "thresholds": {"insult": {"flag": 0.5}}}
    assert post(operator, "policies/", given).status_code == 201
    end = {"model": "forum.Post", "withdraw": True}
    withdrawn = post(operator, "policies/", end)
    assert withdrawn.status_code == 201
    assert withdrawn.json()["is_withdrawn"] and not withdrawn.json()["is_in_force"]
    assert get(operator, "policies/", in_force="true")["results"] == []
    assert AuditEntry.objects.filter(action="policy.withdrawn").count() == 1
    assert problem(post(operator, "policies/", end)) == (400, "invalid")
    both = {**given, "withdraw": True}
    assert problem(post(operator, "policies/", both)) == (400, "invalid")
    assert Policy.objects.count() == 2


@pytest.mark.parametrize(
    "given",
    [
        {"thresholds": None},
        {"thresholds": []},
        {"thresholds": {"insult": 0.5}},
        {"thresholds": {"insult": {"flag": "0.5"}}},
        {"thresholds": {"insult": {"flag": True}}},
        {"thresholds": {"insult": {"flag": 1.5}}},
        {"thresholds": {"insult": {"flag": -0.1}}},
        {"thresholds": {"insult": {"flag": 10**400}}},
        {"thresholds": {"insult": {"warn": 0.5}}},
        {"thresholds": {"insult": {"flag": 0.5, "hold": 0.4}}},
        {"thresholds": {"rude": {"flag": 0.5}}},
        {"model": "forum.Nothing"},
        {"model": 5},
        {"model": "a\0b"},
        {"note": "\ud800"},
    ],
    ids=lambda given: str(given)[:60],
)
def test_thresholds_that_are_none_are_refused(operator: Client, given: dict[str, Any]) -> None:
    response = post(operator, "policies/", {"thresholds": {"insult": {"flag": 0.5}}, **given})
    assert problem(response) == (400, "invalid")
    assert set(response.json()["errors"]) == set(given)
    assert not Policy.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
def test_no_threshold_is_stored_that_is_no_number(operator: Client, number: str) -> None:
    response = post(operator, "policies/", f'{{"thresholds": {{"insult": {{"flag": {number}}}}}}}')
    assert problem(response)[0] == 400
    assert not Policy.objects.exists()


def test_policies_are_read_and_changed_with_the_permissions(version: ModelVersion) -> None:
    given = {"thresholds": {"insult": {"flag": 0.5}}}
    for permissions, may_read, may_add in (
        ((), 403, 403),
        (("view_policy",), 200, 403),
        (("add_policy",), 200, 201),
        (("review_screening",), 403, 403),
    ):
        client = person("-".join(("u", *permissions)), *permissions)
        assert client.get(f"{ROOT}policies/").status_code == may_read
        assert post(client, "policies/", given).status_code == may_add
    headers = key("read", "review", "classify")
    assert Client().get(f"{ROOT}policies/", headers=headers).status_code == 200
    assert problem(post(Client(), "policies/", given, headers=headers)) == (403, "permission_denied")
    assert Policy.objects.count() == 1


def test_versions_are_listed_and_the_active_one_is_named(operator: Client, version: ModelVersion) -> None:
    newer = make_version("2")
    ModelVersion.objects.filter(pk=newer.pk).update(metrics={"auc": 0.9})
    listed = [row for part in pages(operator, "model-versions/", limit=1) for row in part]
    assert [(row["version"], row["is_active"]) for row in listed] == [("2", False), ("1", True)]
    assert "location" not in listed[0] and "metrics" not in listed[0]
    assert get(operator, "model-versions/active/")["id"] == version.pk
    assert get(operator, f"model-versions/{newer.pk}/")["metrics"] == {"auc": 0.9}
    ModelVersion.objects.filter(is_active=True).update(is_active=False)
    assert problem(operator.get(f"{ROOT}model-versions/active/")) == (404, "not_found")


def test_a_version_says_where_it_comes_from(operator: Client, version: ModelVersion) -> None:
    newer = make_version("2")
    ModelVersion.objects.filter(pk=newer.pk).update(
        parent=version, location="2", origin="", note="for the harbour", data_fingerprint="ab" * 32
    )
    ModelVersion.objects.filter(pk=version.pk).update(origin="imported")
    told = get(operator, f"model-versions/{newer.pk}/")
    assert (told["origin"], told["parent"]) == ("retrained", version.pk)
    assert (told["note"], told["data_fingerprint"]) == ("for the harbour", "ab" * 32)
    listed = [row for part in pages(operator, "model-versions/") for row in part]
    assert [row["origin"] for row in listed] == ["retrained", "imported"]
    assert (listed[1]["note"], listed[1]["data_fingerprint"]) == ("", "")


def test_versions_are_read_with_the_permission_or_a_key(version: ModelVersion) -> None:
    for client, headers, status in (
        (person("otto", "view_screening"), {}, 403),
        (person("olga", "view_modelversion"), {}, 200),
        (Client(), key("read"), 200),
        (Client(), key("review"), 403),
    ):
        for path in ("model-versions/", "model-versions/active/", f"model-versions/{version.pk}/"):
            assert client.get(ROOT + path, headers=headers).status_code == status


def test_figures_say_what_waits_what_came_in_and_what_was_decided(operator: Client) -> None:
    for text in ("you idiot", "I kill you", "a nice remark", "another nice remark"):
        Post.objects.create(body=text)
    screen()
    Post.objects.create(body="waits")
    moderator = person("ann", "review_screening")
    held = Screening.objects.get(verdict="held")
    assert post(moderator, "reviews/", {"screening": held.pk, "decision": "uphold"}).status_code == 201
    told = get(operator, "stats/")
    others = ("held", "edited", "failed", "language", "reported", "author")
    assert told["queue"] == {"flagged": 1, **dict.fromkeys(others, 0)}
    assert told["pending"]["normal"]["count"] == 1
    assert told["active_version"] == "test@1"
    recent, reviews = told["recent"], told["reviews"]
    assert {name: recent[name] for name in ("screenings", "judged", "flagged", "held", "flag_rate")} == {
        "screenings": 5,
        "judged": 4,
        "flagged": 1,
        "held": 1,
        "flag_rate": 0.5,
    }
    assert {name: reviews[name] for name in ("decisions", "uphold", "false_positive", "relabel")} == {
        "decisions": 1,
        "uphold": 1,
        "false_positive": 0,
        "relabel": 0,
    }


def test_figures_of_an_empty_site_are_there(operator: Client) -> None:
    told = get(operator, "stats/")
    assert told["recent"] == {
        "screenings": 0,
        "since": None,
        "judged": 0,
        "flagged": 0,
        "held": 0,
        "flag_rate": None,
    }
    assert told["reviews"]["decisions"] == 0


def test_figures_look_at_a_bounded_number_of_rows(operator: Client) -> None:
    queued("item", outcome="hide", reviewed=timezone.now())
    with CaptureQueriesContext(connection) as captured:
        get(operator, "stats/")
    counting = [
        query["sql"]
        for query in captured.captured_queries
        if "COUNT(" in query["sql"] and "moderation_review" in query["sql"]
    ]
    assert counting and all("LIMIT 10000" in sql for sql in counting)
