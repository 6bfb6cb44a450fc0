"""What migrations do to rows that are there already."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from moderation.models import ModelVersion, Screening
from tests.forum.models import Note
from tests.moderation.conftest import screen
from tests.moderation.migrating import RECORD, interrupted_before, migrate

copying = importlib.import_module("moderation.migrations.0008_labels_of_verdicts")
mixing = importlib.import_module("moderation.migrations.0011_places_of_audit_items")


def labelled(labels: list[str]) -> dict[str, set[int]]:
    """{label: screenings of which it is said}."""
    rows = Screening.objects
    return {label: set(rows.labelled(label).values_list("pk", flat=True)) for label in labels}


@pytest.mark.django_db
def test_labels_of_verdicts_are_copied_into_their_screenings(version: ModelVersion) -> None:
    for text in ("hello", "you idiot", "I kill you", "I kill you, idiot"):
        Note.objects.create(text=text)
    screen()
    expected = labelled(version.labels)
    assert [len(keys) for keys in expected.values()] == [3, 2, 2]
    Screening.objects.update(labels="")
    copying.copy_labels(apps, SimpleNamespace(connection=connection))
    assert labelled(version.labels) == expected
    assert Screening.objects.get(text="hello").labels == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("statement", "nth"), [('UPDATE "moderation_screening"', 2), (RECORD, 1)])
def test_a_copy_of_labels_that_was_interrupted_is_run_again(
    version: ModelVersion, statement: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("you idiot", "I kill you", "I kill you, idiot"):
        Note.objects.create(text=text)
    screen()
    expected = labelled(version.labels)
    migrate("0007")
    Screening.objects.update(labels="")
    monkeypatch.setattr(copying, "CHUNK", 1)
    with interrupted_before(statement, nth):
        migrate()
    assert Screening.objects.exclude(labels="").count() == (1 if nth == 2 else 3)
    migrate()
    assert labelled(version.labels) == expected


@pytest.mark.django_db(transaction=True)
def test_verdicts_of_the_first_release_have_their_labels_after_upgrading() -> None:
    migrate("0001")
    loader = MigrationExecutor(connection).loader
    old = loader.project_state(("moderation", "0001_initial")).apps
    version = old.get_model("moderation", "ModelVersion").objects.create(name="old", version="1")
    judged = {
        "held": _judged(old, version, "held", ["threat", "toxic"]),
        "flagged": _judged(old, version, "flagged", ["toxic"]),
        "clear": _judged(old, version, "clear", []),
        "pending": old.get_model("moderation", "Screening").objects.create(source="import", text="new").pk,
    }
    migrate()
    assert labelled(["toxic", "threat"]) == {
        "toxic": {judged["held"], judged["flagged"]},
        "threat": {judged["held"]},
    }
    assert Screening.objects.get(pk=judged["held"]).labels == '["threat", "toxic"]'
    assert set(Screening.objects.filter(labels="").values_list("pk", flat=True)) == {
        judged["clear"],
        judged["pending"],
    }


def _judged(old: Any, version: Any, verdict: str, labels: list[str]) -> int:
    """A screening as the first release stored it, with a scoring that its verdict does not rest on."""
    screening = old.get_model("moderation", "Screening").objects.create(
        source="import", text=verdict, status="done", verdict=verdict
    )
    scorings = old.get_model("moderation", "Scoring").objects
    basis = scorings.create(screening=screening, model_version=version, is_basis=True, scores={})
    other = scorings.create(screening=screening, model_version=version, purpose="rescreen", scores={})
    for label in labels:
        basis.label_scores.create(label=label, score=0.9)
    other.label_scores.create(label="insult", score=0.9)
    return int(screening.pk)


@pytest.mark.regression("H6")
@pytest.mark.django_db
@pytest.mark.parametrize("has_flagged", [True, False])
def test_audit_items_of_before_leave_the_end_of_the_queue(
    version: ModelVersion, has_flagged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in ("hello", "hello again", "hello there", *(["you idiot"] if has_flagged else [])):
        Note.objects.create(text=text)
    screen()
    Screening.objects.filter(verdict="clear").update(queued_for="audit", severity=-0.49)
    decided = Screening.objects.get(text="hello there")
    Screening.objects.filter(pk=decided.pk).update(outcome="show")
    monkeypatch.setattr(mixing, "CHUNK", 1)
    mixing.mix(apps, SimpleNamespace(connection=connection))
    audited = list(Screening.objects.filter(queued_for="audit", outcome=""))
    assert len(audited) == 2 and all(0 <= row.severity <= 0.5 for row in audited)
    if has_flagged:
        flagged = Screening.objects.get(text="you idiot")
        assert {(row.severity, row.labels) for row in audited} == {(flagged.severity, flagged.labels)}
    decided.refresh_from_db()
    assert decided.severity == -0.49
