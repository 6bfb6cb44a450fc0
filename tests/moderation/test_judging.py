"""Which stored policy is in force for a model; one place alone reads policies."""

from __future__ import annotations

import re

import pytest
from pytest_django import DjangoAssertNumQueries

from moderation.models import ModelVersion, Policy, Screening
from moderation.screening.judging import has_newer_policy, judge_each, newest_policy, thresholds_for
from mysite.demo.environment import BASE_DIR
from tests.forum.models import Note, Post

pytestmark = pytest.mark.django_db


def policy(model_label: str, flag: float) -> Policy:
    return Policy.objects.create(model_label=model_label, thresholds={"toxic": {"flag": flag}})


def screening_of(model: type[Note] | type[Post]) -> Screening:
    column = "text" if model is Note else "body"
    model.objects.create(**{column: "hello"})
    return Screening.objects.order_by("-id")[0]


def test_a_model_s_own_policy_goes_before_a_newer_one_for_every_model(version: ModelVersion) -> None:
    own = policy("forum.Note", 0.3)
    everybody_s = policy("", 0.9)
    for screening, expected, flag in (
        (screening_of(Note), own, 0.3),
        (screening_of(Post), everybody_s, 0.9),
        (Screening(source=Screening.Source.SUGGESTION), everybody_s, 0.9),
    ):
        thresholds, stored = thresholds_for(screening, version)
        assert (stored, thresholds.flag["toxic"]) == (expected, flag)


def test_without_a_policy_the_version_s_own_thresholds_are_in_force(version: ModelVersion) -> None:
    thresholds, stored = thresholds_for(screening_of(Post), version)
    assert stored is None and thresholds.flag == version.thresholds


def test_the_newest_policy_of_a_label_is_read_by_exactly_that_label() -> None:
    assert newest_policy("forum.Note") is None
    policy("forum.Note", 0.3)
    everybody_s, newest = policy("", 0.9), policy("forum.Note", 0.4)
    assert (newest_policy("forum.Note"), newest_policy("")) == (newest, everybody_s)
    assert newest_policy("forum.Post") is None
    in_force = Policy.objects.exclude(has_newer_policy()).order_by("id")
    assert list(in_force) == [everybody_s, newest]


def test_rows_are_judged_in_their_order_and_each_model_s_policy_is_read_once(
    version: ModelVersion, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    policy("forum.Note", 0.3)
    policy("", 0.9)
    rows = [screening_of(model) for model in (Post, Note, Post, Note)]
    scores = {row.pk: {"toxic": 0.5} for row in rows}
    judge_each(rows, scores, version)  # from here on Django knows the content types
    with django_assert_num_queries(2):
        judged = judge_each(rows, scores, version)
    assert [(row, judgement.verdict) for row, _, judgement, _ in judged] == list(
        zip(rows, ("clear", "flagged", "clear", "flagged"), strict=True)
    )


def test_one_place_reads_policies() -> None:
    reading = {
        path.relative_to(BASE_DIR).as_posix()
        for path in (BASE_DIR / "moderation").rglob("*.py")
        if re.search(r"\bPolicy\.objects\b", path.read_text(encoding="utf-8"))
    }
    assert reading == {"moderation/screening/judging.py"}
