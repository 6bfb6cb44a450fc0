"""The figures that workers make for the dashboard: days, estimates, agreement."""

from __future__ import annotations

import json
import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from moderation.models import (
    ModelVersion,
    Policy,
    Review,
    Scoring,
    Screening,
    SecondOpinionDue,
    StoredFigures,
)
from moderation.review import daily, estimates
from moderation.review.decisions import decide
from moderation.worker import figures
from tests.forum.models import Note
from tests.moderation.conftest import LABELS, make_version, screen
from tests.moderation.test_queue import queued

pytestmark = pytest.mark.django_db
CANARY = "xylophonecanary"


def today() -> date:
    return timezone.localdate()


def reviewed(
    text: str,
    *,
    score: float,
    is_true: bool,
    reason: str = "flagged",
    second: bool | None = None,
    **columns: Any,
) -> Screening:
    """A decided screening with a score for each label alike, and perhaps a second opinion."""
    outcome = "hide" if is_true else "show"
    probability = 0.01 if reason == "audit" else 1.0
    columns = {"sampling_probability": probability, "text_key": text, "verdict": "flagged", **columns}
    severity = max(-1.0, score - 0.5)
    screening = Screening.objects.create(
        source="import",
        text=text,
        severity=severity,
        status="done",
        outcome=outcome,
        queued_for=reason,
        **columns,
    )
    Scoring.objects.create(
        screening=screening,
        model_version=ModelVersion.objects.get(is_active=True),
        is_basis=True,
        scores=dict.fromkeys(LABELS, score),
        thresholds=dict.fromkeys(LABELS, 0.5),
    )
    said = {"kind": "decision", "decision": "relabel", "outcome": outcome}
    Review.objects.create(screening=screening, number=1, labels=dict.fromkeys(LABELS, is_true), **said)
    if second is not None:
        said = {"kind": "second_opinion", "outcome": "hide" if second else "show"}
        Review.objects.create(screening=screening, number=2, labels=dict.fromkeys(LABELS, second), **said)
    return screening


def stored() -> dict[str, Any]:
    figures.refresh()
    data: dict[str, Any] = StoredFigures.objects.get(name="estimates").data
    return data


def test_a_day_counts_what_came_in_and_what_was_decided(version: ModelVersion) -> None:
    ann = User.objects.create_user("ann")
    for text in (f"you idiot {CANARY}", f"I kill you {CANARY}", f"hello {CANARY}"):
        Note.objects.create(text=text)
    screen()
    rows = {row.verdict: row for row in Screening.objects.all()}
    Screening.objects.update(author_name="troll", page_key="forum.note:1", language="en")
    decide(rows["held"].pk, reviewer=ann, kind="uphold")
    decide(rows["flagged"].pk, reviewer=ann, kind="false_positive")
    Screening.objects.filter(pk=rows["held"].pk).update(created=timezone.now() - timedelta(hours=30))
    yesterday = daily.count(timezone.localdate(Screening.objects.get(pk=rows["held"].pk).created))
    told = daily.count(today())
    assert told["arrivals"] == 2 and yesterday["arrivals"] == 1
    assert told["verdicts"] == {"flagged": 1, "clear": 1} and yesterday["verdicts"] == {"held": 1}
    assert told["languages"] == {"en": 2} and told["versions"] == {"test@1": 2}
    assert told["decisions"] == {"uphold": 1, "false_positive": 1}
    assert told["outcomes"] == {"hide": 1, "show": 1} and told["reviewers"] == {"ann": 2}
    assert told["waited"]["minute"] == 1 and told["waited"]["days3"] == 1
    assert sum(told["waited"].values()) == 2
    (author,) = told["authors"]
    assert {**author, "author_key": ""} == {
        "author_name": "troll",
        "author_key": "",
        "texts": 2,
        "flagged": 1,
        "hidden": 0,
        "shown": 1,
    }
    assert told["pages"][0]["page_key"] == "forum.note:1"
    assert CANARY not in json.dumps([told, yesterday])


def test_open_audit_items_count_with_the_flagged_ones(version: ModelVersion) -> None:
    queued("drawn", -0.3, verdict="clear", queued_for="audit", author_name="somebody")
    told = daily.count(today())
    assert told["verdicts"] == {"flagged": 1} and told["authors"][0]["flagged"] == 1
    Screening.objects.update(outcome="show")
    told = daily.count(today())
    assert told["verdicts"] == {"clear": 1} and told["authors"] == []


def test_days_that_are_missing_are_counted_a_few_at_a_time_and_old_ones_go(version: ModelVersion) -> None:
    old = StoredFigures(name=daily.name_of(today() - timedelta(days=200)), made=timezone.now(), data={})
    old.save()
    figures.refresh()
    names = StoredFigures.objects.filter(name__startswith="day:").count()
    assert names == figures.AGAIN + figures.AT_ONCE
    for _ in range(10):
        figures.refresh()
    assert StoredFigures.objects.filter(name__startswith="day:").count() == figures.DAYS
    queued("hello")
    figures.refresh()
    assert StoredFigures.objects.get(name=daily.name_of(today())).data["arrivals"] == 1


def test_they_are_made_once_in_the_time_of_the_setting_by_one_process(
    version: ModelVersion, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    assert not figures.refresh_if_due(stop)  # the tests' setting is 0
    settings.MODERATION = {**settings.MODERATION, "FIGURES_MINUTES": 10}
    monkeypatch.setattr(figures, "_next_look", 0.0)
    assert figures.refresh_if_due(stop)
    assert not figures.refresh_if_due(stop)
    monkeypatch.setattr(figures, "_next_look", 0.0)  # as another process
    assert not figures.refresh_if_due(stop)


def test_precision_and_recall_are_those_of_the_thresholds_in_force(version: ModelVersion) -> None:
    for number in range(40):
        reviewed(f"flagged {number}", score=0.7, is_true=number < 30)
        reviewed(f"more {number}", score=0.95, is_true=True)
    for number in range(50):
        reviewed(f"drawn {number}", score=0.1, is_true=number < 2, reason="audit", verdict="clear")
    told = stored()
    assert told["version"] == "test@1" and told["labels"] == list(LABELS)
    found = told["periods"]["30"]
    assert found["decided"] == 130 and found["random"] == 50
    quality = found["quality"]["insult"]
    assert quality["precision"]["value"] == pytest.approx(70 / 80)
    assert quality["recall"]["value"] == pytest.approx(70 / (70 + 200))
    assert quality["recall"]["low"] < 70 / 270 < quality["recall"]["high"]
    Policy.objects.create(model_label="", thresholds={"insult": {"flag": 0.9}})
    quality = stored()["periods"]["30"]["quality"]
    assert quality["insult"]["precision"]["value"] == 1.0
    assert quality["toxic"]["precision"]["value"] == pytest.approx(70 / 80)


def test_what_another_version_scored_tells_nothing_of_the_active_one(version: ModelVersion) -> None:
    for number in range(40):
        reviewed(f"flagged {number}", score=0.7, is_true=True)
    assert stored()["periods"]["30"]["quality"]["any"]["precision"]["value"] == 1.0
    ModelVersion.objects.update(is_active=False)
    make_version("2", is_active=True)
    told = stored()["periods"]["30"]
    assert told["quality"]["any"]["precision"]["value"] is None and told["decided"] == 40


def test_with_few_reviews_there_is_no_figure_but_their_number(version: ModelVersion) -> None:
    reviewed("one", score=0.7, is_true=True, second=True)
    told = stored()["periods"]["7"]
    assert told["quality"]["any"]["precision"] == {"value": None, "low": None, "high": None}
    assert told["between_people"]["outcome"] == {"value": None, "low": None, "high": None, "items": 1}
    assert told["with_model"]["any"]["items"] == 0
    assert (told["decided"], told["second_opinions"]) == (1, 1)


def test_agreement_comes_from_second_opinions_that_nobody_took_back(version: ModelVersion) -> None:
    for number in range(60):
        is_true = number % 2 == 0
        row = reviewed(f"text {number}", score=0.7, is_true=is_true, second=is_true != (number < 6))
        SecondOpinionDue.objects.create(screening=row, probability=0.05)
    told = stored()["periods"]["30"]["between_people"]
    assert told["outcome"]["items"] == 60
    assert told["outcome"]["value"] == pytest.approx(0.8, abs=0.02)
    assert told["outcome"]["low"] < 0.8 < told["outcome"]["high"]
    assert told["insult"]["value"] == told["outcome"]["value"]
    second = Review.objects.filter(kind="second_opinion").first()
    assert second is not None
    Review.objects.create(screening=second.screening, number=3, kind="undo", undoes=second)
    assert stored()["periods"]["30"]["between_people"]["outcome"]["items"] == 59


def test_agreement_with_the_model_wants_random_reviews(version: ModelVersion) -> None:
    for number in range(60):
        reviewed(f"flagged {number}", score=0.7, is_true=number < 50)
    assert stored()["periods"]["30"]["with_model"]["any"]["value"] is None
    for number in range(40):
        reviewed(f"drawn {number}", score=0.1, is_true=False, reason="audit", verdict="clear")
    told = stored()["periods"]["30"]["with_model"]["any"]
    assert told["items"] == 100 and 0.85 < told["value"] < 0.95


def test_periods_hold_what_came_in_then(version: ModelVersion) -> None:
    for number in range(20):
        row = reviewed(f"flagged {number}", score=0.7, is_true=True)
        Screening.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(days=10))
        reviewed(f"young {number}", score=0.7, is_true=False)
    told = stored()
    assert told["periods"]["7"]["quality"]["any"]["precision"]["value"] == 0.0
    assert told["periods"]["30"]["quality"]["any"]["precision"]["value"] == 0.5
    weeks = [week["quality"]["any"]["precision"]["value"] for week in told["weeks"]]
    assert weeks[-2:] == [1.0, 0.0]


def test_what_readers_brought_stands_for_no_others(version: ModelVersion) -> None:
    for number in range(40):
        reviewed(f"flagged {number}", score=0.7, is_true=True)
        reviewed(f"drawn {number}", score=0.1, is_true=False, reason="audit", verdict="clear")
        reviewed(f"reported {number}", score=0.1, is_true=True, reason="reported", verdict="clear")
    told = stored()["periods"]["30"]
    assert told["decided"] == 120
    assert told["quality"]["any"]["recall"]["value"] == 1.0


def test_no_more_than_the_newest_decisions_are_read(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        reviewed(f"old {number}", score=0.7, is_true=False)
    Screening.objects.update(created=timezone.now() - timedelta(days=1))
    for number in range(20):
        reviewed(f"young {number}", score=0.7, is_true=True)
    monkeypatch.setattr(estimates, "MOST", 20)
    told = stored()["periods"]["30"]
    assert told["decided"] == 20 and told["quality"]["any"]["precision"]["value"] == 1.0
