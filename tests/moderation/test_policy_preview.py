"""What other thresholds would make of the latest screenings, and judging earlier verdicts by new ones."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from moderation.audit import Actor
from moderation.models import AuditEntry, LabelScore, ModelVersion, Policy, Screening
from moderation.rescreening import rejudge, runs
from moderation.rescreening.runs import RunLease, Scope
from moderation.review.decisions import decide
from moderation.screening.policy_preview import models_of, preview
from tests.forum.models import Note, Post
from tests.moderation.conftest import run_command, screen

pytestmark = pytest.mark.django_db
STRICT = {"insult": {"flag": 0.6, "hold": 0.65}}
ANN = Actor(None, "ann")


@pytest.fixture
def screened(version: ModelVersion) -> ModelVersion:
    """Of either model a clear text, an insult at 0.7, flagged, and a threat at 0.97, held."""
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
        Post.objects.create(body=text)
    screen()
    return version


def scope(version: ModelVersion, label: str = "") -> Scope:
    return Scope(runs.ScreeningRun.Kind.RESCREEN, version, label)


def verdicts(label: str = "note") -> dict[str, str]:
    rows = Screening.objects.filter(content_type__model=label)
    return dict(rows.values_list("text", "verdict"))


def test_a_preview_counts_and_names_what_would_change_and_changes_nothing(screened: ModelVersion) -> None:
    told = preview("forum.Note", STRICT, screened)
    assert (told.looked_at, told.now.flagged, told.now.held) == (3, 1, 1)
    assert (told.then.flagged, told.then.held) == (0, 2)
    assert dict(told.changes) == {("flagged", "held"): 1}
    (change,) = told.named
    assert (change.screening.text, change.before.verdict, change.after.verdict) == (
        "you idiot",
        "flagged",
        "held",
    )
    assert verdicts() == {"hello": "clear", "you idiot": "flagged", "I kill you": "held"}


def test_a_preview_for_every_model_leaves_out_those_with_a_policy_of_their_own(
    screened: ModelVersion,
) -> None:
    everyone = preview("", STRICT, screened)
    assert everyone.looked_at == 6 and everyone.changes == {("flagged", "held"): 2}
    Policy.objects.create(model_label="forum.Note", thresholds={"insult": {"flag": 0.9}})
    assert "forum.Note" not in {entry.label for entry in models_of("")}
    without_notes = preview("", STRICT, screened)
    assert without_notes.looked_at == 3 and without_notes.changes == {("flagged", "held"): 1}
    with pytest.raises(LookupError):
        preview("forum.Nothing", STRICT, screened)


def test_a_preview_of_withdrawing_shows_what_holds_without_the_policy(screened: ModelVersion) -> None:
    Policy.objects.create(model_label="", thresholds={"insult": {"flag": 0.6, "hold": 0.65}})
    Policy.objects.create(model_label="forum.Note", thresholds={"insult": {"flag": 0.9}})
    told = preview("forum.Note", None, screened)
    # "you idiot" is toxic at 0.7 besides, so that it stays flagged under the model's own policy
    assert dict(told.changes) == {("flagged", "held"): 1}


def test_no_blind_item_is_named_or_told_by_a_total_before_its_decision(
    version: ModelVersion, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 1.0}
    for text in ("a nice remark", "you idiot", "I kill you"):  # the last is held, and so not judged blind
        Post.objects.create(body=text)
    screen()
    totals = {
        (told.looked_at, told.now.flagged, told.now.held, told.then.flagged, told.leaves_out)
        for flag in (0.005, 0.02, 0.6, 0.8)
        for told in [preview("", {"toxic": {"flag": flag, "hold": 0.9}}, version)]
    }
    assert totals == {(1, 0, 1, 0, True)}
    monkeypatch.setattr("moderation.screening.policy_preview.FEWEST_WITHHELD", 2)
    told = preview("", {"toxic": {"flag": 0.005, "hold": 0.6}}, version)
    assert sum(told.changes.values()) == 2 and told.named == [] and not told.leaves_out
    monkeypatch.undo()
    Screening.objects.filter(text="I kill you").delete()
    for row in Screening.objects.all():
        kind = "false_positive"
        decide(row.pk, reviewer=User.objects.create(username=f"u{row.pk}"), kind=kind)
    assert len(preview("", {"toxic": {"flag": 0.005, "hold": 0.6}}, version).named) == 2


def test_the_query_looks_at_no_more_than_the_latest(screened: ModelVersion, monkeypatch: Any) -> None:
    monkeypatch.setattr("moderation.screening.policy_preview.LATEST", 2)
    assert preview("", STRICT, screened).looked_at == 2
    monkeypatch.setattr("moderation.screening.policy_preview.LOOKED_THROUGH", 1)
    assert preview("", STRICT, screened).looked_at == 1


# --- judging again ---------------------------------------------------------------------------------


@pytest.fixture
def lease(db: None) -> RunLease:
    return RunLease(runs._take(print))


def test_earlier_verdicts_follow_the_thresholds_in_force(screened: ModelVersion, lease: RunLease) -> None:
    keys = rejudge.latest(screened, scope(screened))
    assert rejudge.act(screened, scope(screened), lease, keys, ANN).changes == {}
    assert not AuditEntry.objects.exists()
    policy = Policy.objects.create(model_label="forum.Note", thresholds=STRICT)
    told = rejudge.preview(screened, scope(screened), keys)
    assert dict(told.changes) == {("flagged", "held"): 1} and told.hidden == 1
    assert verdicts()["you idiot"] == "flagged"
    done = rejudge.act(screened, scope(screened), lease, keys, ANN)
    assert dict(done.changes) == dict(told.changes) and done.hidden == 1
    assert verdicts() == {"hello": "clear", "you idiot": "held", "I kill you": "held"}
    assert verdicts("post")["you idiot"] == "flagged"
    row = Screening.objects.get(text="you idiot", content_type__model="note")
    assert row.hidden_by_us and Note.objects.get(text="you idiot").state != "published"
    basis = row.basis()
    assert basis is not None and basis.policy == policy and basis.thresholds["insult"] == 0.6
    applied = AuditEntry.objects.get(action="policy.applied")
    assert applied.username == "ann" and applied.after["changes"] == {"flagged -> held": 1}
    assert rejudge.act(screened, scope(screened), lease, keys, ANN).changes == {}


def test_a_label_that_no_longer_counts_leaves_the_filters(screened: ModelVersion, lease: RunLease) -> None:
    Policy.objects.create(model_label="forum.Note", thresholds={"insult": {"flag": 0.9}})
    keys = rejudge.latest(screened, scope(screened))
    rejudge.act(screened, scope(screened, "forum.Note"), lease, keys, ANN)
    row = Screening.objects.get(text="you idiot", content_type__model="note")
    assert row.verdict == "flagged" and row.labels == '["toxic"]'
    counted = LabelScore.objects.filter(scoring__screening=row)
    assert list(counted.values_list("label", flat=True)) == ["toxic"]


def test_what_a_person_decided_is_left_alone(screened: ModelVersion, lease: RunLease) -> None:
    row = Screening.objects.get(text="you idiot", content_type__model="note")
    decide(row.pk, reviewer=User.objects.create(username="eve"), kind="false_positive")
    Policy.objects.create(model_label="", thresholds=STRICT)
    done = rejudge.act(screened, scope(screened), lease, rejudge.latest(screened, scope(screened)), ANN)
    assert dict(done.changes) == {("flagged", "held"): 1} and done.reviewed == 1
    assert verdicts() == {"hello": "clear", "you idiot": "flagged", "I kill you": "held"}


def test_the_command_previews_and_acts_with_act_alone(screened: ModelVersion) -> None:
    Policy.objects.create(model_label="", thresholds=STRICT)
    out = run_command("rescreen", "--thresholds")
    assert "flagged -> held: 2" in out and "Nothing was changed" in out
    assert verdicts()["you idiot"] == "flagged"
    run_command("rescreen", "--thresholds", "--act", "--model-label", "forum.Note")
    assert verdicts()["you idiot"] == "held" and verdicts("post")["you idiot"] == "flagged"
    call_command("rescreen", "--thresholds", "--act", "--yes")
    assert verdicts("post")["you idiot"] == "held"
