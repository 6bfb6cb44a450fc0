"""Which stored policy is in force for a model; one place alone reads policies."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from moderation import registry
from moderation.audit import Actor
from moderation.models import ModelVersion, Policy, Screening
from moderation.screening.judging import (
    has_newer_policy,
    judge_each,
    labels_with_policy,
    newest_policy,
    thresholds_for,
)
from moderation.screening.policy_changes import NothingToWithdraw, withdraw
from moderation.screening.threshold_sources import sources_for
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


def test_of_a_withdrawn_policy_nothing_is_in_force(version: ModelVersion) -> None:
    actor = Actor(None, "ann")
    with pytest.raises(NothingToWithdraw):
        withdraw("forum.Note", actor)
    everybody_s, own = policy("", 0.9), policy("forum.Note", 0.3)
    assert thresholds_for(screening_of(Note), version)[1] == own
    ended = withdraw("forum.Note", actor, "too strict")
    assert (ended.note, ended.created_by_name, ended.is_withdrawn) == ("too strict", "ann", True)
    assert thresholds_for(screening_of(Note), version)[1] == everybody_s
    assert newest_policy("forum.Note") is None and labels_with_policy() == {""}
    with pytest.raises(NothingToWithdraw):
        withdraw("forum.Note", actor)
    withdraw("", actor)
    assert thresholds_for(screening_of(Note), version)[0].flag == version.thresholds
    again = policy("forum.Note", 0.4)
    assert thresholds_for(screening_of(Note), version)[1] == again


def test_each_number_in_force_says_where_it_comes_from(version: ModelVersion, settings: Any) -> None:
    own = {"insult": {"flag": 0.8}, "threat": {"flag": 0.95}}
    settings.MODERATION = {
        **settings.MODERATION,
        "MODELS": {**settings.MODERATION["MODELS"], "forum.Note": {"text": "text", "thresholds": own}},
        "HOLD_AT": 0.9,
    }
    entry = registry.get("forum.Note")

    def told() -> dict[str, tuple[float | None, str]]:
        numbers = sources_for(entry, version)
        return {
            f"{label} {kind}": (number.value, number.source.value)
            for label, pair in numbers.items()
            for kind, number in pair.items()
        }

    assert told() == {
        "toxic flag": (0.5, "version"),
        "toxic hold": (0.9, "hold_at"),
        "threat flag": (0.95, "setting"),
        "threat hold": (0.95, "hold_at"),
        "insult flag": (0.8, "setting"),
        "insult hold": (0.9, "hold_at"),
    }
    policy("", 0.3)
    assert told()["toxic flag"] == (0.3, "general_policy")
    policy("forum.Note", 0.4)
    assert told()["toxic flag"] == (0.4, "model_policy")
    assert sources_for(entry, version, without="forum.Note")["toxic"]["flag"].value == 0.3
    in_force = thresholds_for(screening_of(Note), version)[0]
    assert {label: number for label, number in in_force.flag.items()} == {
        label: pair["flag"].value for label, pair in sources_for(entry, version).items()
    }


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
