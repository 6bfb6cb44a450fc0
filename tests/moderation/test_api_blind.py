"""Nothing in the API tells an audit item from a flagged one before the decision, as in the queue."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from moderation.models import ModelVersion, Review, Screening
from tests.moderation.api import get, key, pages, person, post, problem
from tests.moderation.conftest import LABELS
from tests.moderation.test_blind import CLEAR, FLAGGED, queue

pytestmark = [pytest.mark.django_db, pytest.mark.regression("H6")]
OF_ONE_ROW = ("id", "text", "object_id", "created")
"""What differs from row to row whatever the model said."""


@pytest.fixture
def moderator(version: ModelVersion) -> Client:
    return person("ann", "review_screening")


def told(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OF_ONE_ROW}


def test_an_audit_item_looks_as_a_flagged_one_that_is_judged_blind(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    for listed in (
        [row for part in pages(moderator, "screenings/", state="open", limit=7) for row in part],
        [row for part in pages(moderator, "screenings/", limit=7) for row in part],
        [get(moderator, f"screenings/{row.pk}/") for row in rows.values()],
        [
            row
            for each in rows.values()
            for row in get(moderator, "screenings/", model="forum.Post", object_id=each.object_id)["results"]
        ],
    ):
        assert len(listed) == 24
        kinds = {
            reason: [told(row) for row in listed if rows[row["text"]].queued_for == reason]
            for reason in ("audit", "flagged")
        }
        assert len(kinds["audit"]) == len(kinds["flagged"]) == 12
        first = kinds["audit"][0]
        assert all(row == first for kind in kinds.values() for row in kind)
        for name in (
            *("queued_for", "verdict", "severity", "labels", "scoring", "scores", "thresholds"),
            *("model_version", "sampling_probability", "is_hidden"),
        ):
            assert first[name] is None, name
        assert first.get("scorings", []) == [] and first["is_blind"] and not first["can_be_upheld"]


def test_order_and_cursors_tell_nothing(moderator: Client, settings: Any) -> None:
    """They stand among each other, and a cursor has an id and no severity, which audit items share."""
    rows = queue(settings)
    parts = pages(moderator, "screenings/", state="open", limit=1)
    reasons = [rows[row["text"]].queued_for for part in parts for row in part]
    assert reasons[:12].count("audit") == 6
    answer = get(moderator, "screenings/", state="open", limit=1)
    assert answer["next"].endswith(f"cursor=si{answer['results'][0]['id']}&limit=1&state=open")


def test_no_filter_picks_audit_items_out(moderator: Client, settings: Any) -> None:
    rows = queue(settings)

    def kinds(**query: str) -> set[str]:
        found = [row for part in pages(moderator, "screenings/", **query) for row in part]
        return {rows[row["text"]].queued_for for row in found}

    assert kinds(state="open", label="insult") == {"audit", "flagged"}
    assert kinds(state="open", label="threat") == set()
    assert kinds(state="open", verdict="flagged") == {"audit", "flagged"}
    assert kinds(state="open", verdict="held") == set()
    assert kinds(state="decided", label="insult") == kinds(state="decided", verdict="clear") == set()
    for state in ("all", "failed"):
        for narrowed in ({"label": "insult"}, {"verdict": "flagged"}, {"verdict": "clear"}):
            assert problem(moderator.get("/api/moderation/screenings/", {"state": state, **narrowed}))


def test_figures_count_them_with_the_flagged_ones(moderator: Client, settings: Any) -> None:
    queue(settings)
    before = get(moderator, "stats/")
    others = ("held", "edited", "failed", "language", "reported", "author")
    assert before["queue"] == {**dict.fromkeys(others, 0), "flagged": 24}
    assert (before["recent"]["flagged"], before["recent"]["judged"]) == (24, 24)
    assert "audit" not in str(before)


def test_a_key_is_told_no_more_than_a_person(version: ModelVersion, settings: Any) -> None:
    rows = queue(settings)
    headers = key("read", "review")
    for text in (CLEAR[0], FLAGGED[0]):
        detail = Client().get(f"/api/moderation/screenings/{rows[text].pk}/", headers=headers).json()
        assert detail["is_blind"] and detail["scores"] is None and detail["scorings"] == []


@pytest.mark.parametrize(
    "decision",
    [
        {"decision": "uphold"},
        {"decision": "uphold", "scoring": None},
        {"decision": "false_positive", "scoring": "its own"},
        {"decision": "false_positive", "scoring": 1},
        {"decision": "uphold", "scoring": "its own"},
        {"decision": "relabel", "labels": {"toxic": True}},
        {"decision": "relabel", "labels": dict.fromkeys(LABELS, True), "scoring": 2**63 - 1},
    ],
    ids=str,
)
def test_no_decision_that_is_refused_tells_them_apart(
    moderator: Client, settings: Any, decision: dict[str, Any]
) -> None:
    rows = queue(settings)
    answers = []
    for text in (CLEAR[0], FLAGGED[0]):
        given = {**decision, "screening": rows[text].pk}
        if given.get("scoring") == "its own":
            given["scoring"] = rows[text].scorings.get().pk
        response = post(moderator, "reviews/", given)
        answers.append((problem(response), response.json()))
    assert answers[0] == answers[1]
    assert answers[0][0] == (422, "invalid_decision")
    assert not Review.objects.exists()


def test_after_the_decision_both_show_their_scores(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    for text, verdict in ((CLEAR[0], "clear"), (FLAGGED[0], "flagged")):
        labels = {label: label == "insult" for label in LABELS}
        response = post(
            moderator, "reviews/", {"screening": rows[text].pk, "decision": "relabel", "labels": labels}
        )
        assert response.status_code == 201
        assert response.json()["model_version"] is None  # nobody's opinion was judged
        detail = get(moderator, f"screenings/{rows[text].pk}/")
        assert detail["verdict"] == verdict and detail["scores"] and len(detail["scorings"]) == 1
        assert not detail["is_blind"] and detail["sampling_probability"] == 1.0


def test_a_decided_audit_item_does_not_show_the_place_that_it_had(moderator: Client, settings: Any) -> None:
    rows = queue(settings)
    post(moderator, "reviews/", {"screening": rows[CLEAR[0]].pk, "decision": "false_positive"})
    detail = get(moderator, f"screenings/{rows[CLEAR[0]].pk}/")
    assert detail["severity"] is None and detail["labels"] == []
    decided = get(moderator, "screenings/", state="decided", label="insult")
    assert decided["results"] == []


def test_an_item_that_is_not_blind_shows_its_scores(moderator: Client, settings: Any) -> None:
    rows = queue(settings, BLIND_SHARE=0)
    detail = get(moderator, f"screenings/{rows[FLAGGED[0]].pk}/")
    assert not detail["is_blind"] and detail["queued_for"] == "flagged" and detail["scores"]
    assert get(moderator, f"screenings/{rows[CLEAR[0]].pk}/")["is_blind"]
    assert Screening.objects.open().count() == 24
