"""What the tables refuse, whoever writes to them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction

from moderation.models import (
    AppendOnlyError,
    AuditEntry,
    LabelScore,
    ModelVersion,
    Policy,
    Review,
    Scoring,
    Screening,
)
from tests.forum.models import Post
from tests.moderation.conftest import make_version

pytestmark = pytest.mark.django_db


def make_screening(**columns: Any) -> Screening:
    given: dict[str, Any] = {
        "content_type": ContentType.objects.get_for_model(Post),
        "object_id": "1",
        "field": "body",
        "text": "hello",
    }
    return Screening.objects.create(**{**given, **columns})


def make_review(screening: Screening, **columns: Any) -> Review:
    given = {"number": 1, "decision": "uphold", "outcome": "hide", "labels": {"toxic": True}}
    return Review.objects.create(screening=screening, **{**given, **columns})


def refused(make: Any, **columns: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make(**columns)


def test_one_screening_per_object_and_field_is_current() -> None:
    make_screening()
    refused(make_screening)
    make_screening(is_current=False)
    make_screening(field="title")
    make_screening(object_id="2")


def test_texts_without_an_object_are_all_current() -> None:
    for source in ("suggestion", "import"):
        for _ in range(2):
            make_screening(source=source, content_type=None, object_id="", field="")


@pytest.mark.parametrize(
    "columns",
    [
        {"source": "elsewhere"},
        {"status": "unknown"},
        {"verdict": "bad"},
        {"outcome": "maybe"},
        {"queued_for": "fun"},
        {"severity": 1.5},
        {"sampling_probability": -0.1},
        {"sampling_probability": 1.1},
        {"object_id": ""},
        {"status": "done", "verdict": ""},
    ],
)
def test_screening_refuses(columns: dict[str, Any]) -> None:
    refused(make_screening, **columns)


def test_only_one_version_is_active() -> None:
    make_version("1", is_active=True)
    make_version("2")
    refused(make_version, number="3", is_active=True)
    refused(make_version, number="2")


def test_label_score_is_a_probability(version: ModelVersion) -> None:
    scoring = Scoring.objects.create(screening=make_screening(), model_version=version, scores={})
    for score in (-0.01, 1.01):
        refused(LabelScore.objects.create, scoring=scoring, label="toxic", score=score)


def test_a_version_scores_once_for_a_purpose_and_one_scoring_is_the_basis(version: ModelVersion) -> None:
    columns: dict[str, Any] = {"screening": make_screening(), "scores": {}, "is_basis": True}
    Scoring.objects.create(model_version=version, **columns)
    refused(Scoring.objects.create, model_version=version, **columns)
    refused(Scoring.objects.create, model_version=make_version("2"), **columns)


def test_review_numbers_are_unique_within_a_screening() -> None:
    screening = make_screening()
    make_review(screening)
    refused(make_review, screening=screening)
    make_review(screening, number=2)
    make_review(make_screening(object_id="2"))


def test_a_decision_is_complete_and_an_undo_names_one_decision_once() -> None:
    screening = make_screening()
    decision = make_review(screening)
    refused(make_review, screening=screening, number=2, outcome="")
    refused(make_review, screening=screening, number=2, kind="undo")
    undo = {"kind": "undo", "decision": "", "outcome": "", "undoes": decision}
    make_review(screening, number=2, **undo)
    refused(make_review, screening=screening, number=3, **undo)


def test_append_only_rows_are_neither_changed_nor_deleted() -> None:
    rows: list[Any] = [
        make_review(make_screening()),
        Policy.objects.create(thresholds={"toxic": {"flag": 0.5}}),
        AuditEntry.objects.create(action="policy.changed", target_type="policy"),
    ]
    for row in rows:
        with pytest.raises(AppendOnlyError):
            row.save()
        with pytest.raises(AppendOnlyError):
            row.delete()
        with pytest.raises(AppendOnlyError):
            type(row).objects.filter(pk=row.pk).update(created=None)
        with pytest.raises(AppendOnlyError):
            type(row).objects.all().delete()
        assert type(row).objects.filter(pk=row.pk).exists()


def test_a_user_can_be_deleted_and_the_name_stays() -> None:
    user = get_user_model().objects.create_user("mia")
    review = make_review(make_screening(), reviewer=user, reviewer_name="mia")
    policy = Policy.objects.create(thresholds={}, created_by=user, created_by_name="mia")
    entry = AuditEntry.objects.create(action="a", target_type="policy", user=user, username="mia")
    user.delete()
    for row in (review, policy, entry):
        row.refresh_from_db()
    assert (review.reviewer, review.reviewer_name) == (None, "mia")
    assert (policy.created_by, policy.created_by_name) == (None, "mia")
    assert (entry.user, entry.username) == (None, "mia")


def test_a_content_type_can_go_without_taking_screenings_along() -> None:
    gone = ContentType.objects.create(app_label="old", model="thing")
    screening = make_screening(content_type=gone)
    gone.delete()
    screening.refresh_from_db()
    assert screening.content_type is None
