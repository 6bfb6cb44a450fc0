"""The pages of shadow trials: they compare, and start, end, promote and drop by one click."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.models import AuditEntry, ModelVersion, Screening, ShadowTrial
from moderation.review.decisions import decide
from moderation.shadow import trials
from moderation.versions import store
from tests.moderation.conftest import screen
from tests.moderation.test_queue import staff
from tests.moderation.test_shadow import post, worker

pytestmark = pytest.mark.django_db
TRIALS = "/admin/moderation/shadowtrial/"


@pytest.fixture(autouse=True)
def files_are_there(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0.01}


@pytest.fixture
def operator(candidate: ModelVersion) -> Client:
    return staff("ann", "manage_versions")


def words(client: Client, address: str) -> str:
    page = client.get(address)
    assert page.status_code == 200
    return re.sub(r"(?:<[^>]*>|\s)+", " ", page.content.decode())


def start(client: Client, candidate: ModelVersion, **changes: Any) -> None:
    given = {"version": candidate.pk, "budget": "10", "draw_rate": "100", **changes}
    client.post(f"{TRIALS}start/", given)


def test_a_trial_is_started_by_a_click_and_its_page_compares_both_versions(
    operator: Client, candidate: ModelVersion
) -> None:
    assert "Start a trial" in words(operator, TRIALS)
    start(operator, candidate)
    trial = ShadowTrial.objects.get()
    assert (trial.budget, trial.draw_rate, trial.started_by_name) == (0.1, 1.0, "ann")
    assert "Start a trial" not in words(operator, TRIALS)
    page = f"{TRIALS}{trial.pk}/change/"
    assert "The candidate has scored nothing yet." in words(operator, page)
    post(*(f"so stupid {number}" for number in range(12)), *(f"nice {number}" for number in range(12)))
    screen(beside=worker())
    told = words(operator, page)
    assert "Verdict: not enough evidence" in told and "not enough" in told
    assert "Both flag it, or neither does: 50.0 % (29.1 to 70.9)" in told
    assert "flagged or held 0.0 % (0.0 to 14.2) 50.0 % (29.1 to 70.9)" in told
    assert "the candidate alone 12 12 0" in told
    judge = User.objects.create_user("judge")
    for row in Screening.objects.open().filter(text__startswith="so"):
        labels = {"toxic": False, "threat": False, "insult": True}
        decide(row.pk, reviewer=judge, kind="relabel", labels=labels)
    told = words(operator, page)
    assert "Verdict: the candidate makes fewer mistakes" in told
    assert "the candidate alone 12 12 12 100.0 % (73.5 to 100.0) mostly right" in told
    assert "to 1,000 comments: \u2212500.0 (\u2212500.0 to \u2212235.4)" in told


@pytest.mark.parametrize(
    ("button", "status", "is_active"),
    [("promote", "promoted", True), ("drop", "dropped", False), ("stop", "ended", False)],
)
def test_one_click_ends_a_trial(
    operator: Client, candidate: ModelVersion, button: str, status: str, is_active: bool
) -> None:
    trial = trials.start(candidate)
    address = f"{TRIALS}{trial.pk}/{button}/"
    assert address in operator.get(f"{TRIALS}{trial.pk}/change/").content.decode()
    operator.post(address)
    trial.refresh_from_db()
    candidate.refresh_from_db()
    assert (trial.status, candidate.is_active) == (status, is_active)
    entry = AuditEntry.objects.filter(action__startswith="shadow.").order_by("-id")[0]
    assert (entry.action, entry.username) == (f"shadow.{status}", "ann")
    if status != "ended":
        assert (
            '<form method="post" action="' + TRIALS
            not in operator.get(f"{TRIALS}{trial.pk}/change/").content.decode()
        )


@pytest.mark.parametrize(
    "changes",
    [{"version": "x"}, {"version": "99999"}, {"budget": "0"}, {"budget": "101"}, {"draw_rate": "-1"}],
)
def test_a_form_made_by_hand_starts_nothing(
    operator: Client, candidate: ModelVersion, changes: dict[str, str]
) -> None:
    start(operator, candidate, **changes)
    assert not ShadowTrial.objects.exists()


def test_who_may_only_view_changes_nothing(candidate: ModelVersion) -> None:
    viewer = staff("bob", "view_shadowtrial")
    trial = trials.start(candidate)
    assert (
        '<form method="post" action="' + TRIALS
        not in viewer.get(f"{TRIALS}{trial.pk}/change/").content.decode()
    )
    for button in ("promote", "drop", "stop"):
        assert viewer.post(f"{TRIALS}{trial.pk}/{button}/").status_code == 403
    trial.refresh_from_db()
    assert trial.is_running
