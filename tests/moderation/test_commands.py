"""`screen_pending` and `rescreen`, with the default model version as it is shipped."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from moderation.models import AuditEntry, ModelVersion, Review, Scoring, Screening
from moderation.screening import rescreen as rescreening
from moderation.screening.score import Scorer
from tests.forum.models import Note, Post
from tests.moderation.conftest import make_version, screen

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_screen_pending_screens_with_the_shipped_model_and_counts() -> None:
    for text in ("Thank you, that was helpful.", "You are a fucking idiot, shut up."):
        Post.objects.create(body=text)
    printed = run("screen_pending")
    assert "screened: 2" in printed
    assert "still pending: 0" in printed
    assert [row.verdict == "clear" for row in Screening.objects.order_by("id")] == [True, False]
    version = ModelVersion.objects.get(is_active=True)
    assert set(Scoring.objects.values_list("model_version", flat=True)) == {version.pk}
    assert set(Scoring.objects.first().scores) == set(version.labels)  # type: ignore[union-attr]


def test_screen_pending_once_takes_one_batch(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 2}
    for number in range(3):
        Post.objects.create(body=f"text {number}")
    assert "screened: 2" in run("screen_pending", "--once")
    assert Screening.objects.pending().count() == 1


def test_screen_pending_existing_screens_what_was_there_before() -> None:
    run("screen_pending")
    Post.objects.bulk_create([Post(body="old")])
    from moderation.models import Discovery

    Discovery.objects.update(start=10**9, watermark=10**9, seen=10**9)
    assert "found: 0" in run("screen_pending")
    assert "found: 1" in run("screen_pending", "--existing")


def test_screen_pending_without_a_model_says_so_and_leaves_everything_pending() -> None:
    version = make_version("1", is_active=True)
    Post.objects.create(body="hello")
    with pytest.raises(CommandError, match="model is not ready"):
        run("screen_pending")
    assert Screening.objects.pending().count() == 1
    assert not Scoring.objects.filter(model_version=version).exists()


def constant(toxic: float) -> Callable[[ModelVersion], Scorer]:
    """A loader whose scorer finds the same in every text."""
    return lambda version: lambda texts: [{"toxic": toxic, "threat": 0.0, "insult": 0.0} for _ in texts]


@pytest.fixture
def screened(version: ModelVersion) -> ModelVersion:
    """A clear, a flagged, and a held note by version 1; version 2, inactive, is returned."""
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    screen()
    return make_version("2")


def test_rescreening_changes_nothing_without_being_told_to(screened: ModelVersion) -> None:
    before = list(Screening.objects.order_by("id").values())
    keys = rescreening.to_rescreen(screened)
    done = rescreening.rescreen(keys, screened, load=constant(0.97))
    assert done.scored == 3
    assert dict(done.changes) == {("clear", "held"): 1, ("flagged", "held"): 1, ("held", "held"): 1}
    assert list(Screening.objects.order_by("id").values()) == before
    assert Scoring.objects.filter(purpose="rescreen", is_basis=False).count() == 3
    assert rescreening.to_rescreen(screened) == []


def test_acting_on_it_changes_verdicts_and_visibility_and_the_queue(screened: ModelVersion) -> None:
    rescreening.rescreen(rescreening.to_rescreen(screened), screened, load=constant(0.97))
    assert sum(rescreening.act_on(screened).values()) == 3
    assert set(Screening.objects.values_list("verdict", "hidden_by_us")) == {("held", True)}
    assert set(Note.objects.values_list("state", flat=True)) == {"withheld"}
    assert Screening.objects.get(text="hello").queued_for == "held"
    assert Screening.objects.get(text="hello").basis().model_version == screened  # type: ignore[union-attr]
    assert AuditEntry.objects.filter(action="screening.rescreened").count() == 3
    assert not rescreening.act_on(screened)


def test_acting_shows_what_is_clear_now_and_leaves_it_in_the_queue(screened: ModelVersion) -> None:
    rescreening.rescreen(rescreening.to_rescreen(screened), screened, load=constant(0.0))
    rescreening.act_on(screened)
    row = Screening.objects.get(text="I kill you")
    assert (row.verdict, row.queued_for, row.hidden_by_us) == ("clear", "held", False)
    assert Note.objects.get(text="I kill you").state == "published"


def test_what_a_person_has_decided_is_never_touched(screened: ModelVersion) -> None:
    row = Screening.objects.get(text="I kill you")
    Review.objects.create(screening=row, number=1, decision="uphold", outcome="hide", labels={})
    Screening.objects.filter(pk=row.pk).update(outcome="hide")
    done = rescreening.rescreen(rescreening.to_rescreen(screened), screened, load=constant(0.0))
    assert done.reviewed == 1
    rescreening.act_on(screened)
    row.refresh_from_db()
    assert (row.verdict, row.outcome) == ("held", "hide")
    assert Note.objects.get(text="I kill you").state == "withheld"


def test_rescreen_prints_counts_first_and_acts_only_when_told_to() -> None:
    Note.objects.create(text="You are a fucking idiot, shut up.")
    old = make_version("old", is_active=True)
    screen()
    ModelVersion.objects.filter(pk=old.pk).update(is_active=False)
    printed = run("rescreen")
    assert printed.startswith("1 screening(s) to score with ")
    assert "clear -> " in printed or "flagged -> " in printed
    assert "Nothing was changed" in printed
    assert Screening.objects.get().basis().model_version == old  # type: ignore[union-attr]
    assert "Acting:" in run("rescreen", "--act")
    assert Screening.objects.get().basis().model_version != old  # type: ignore[union-attr]


def test_rescreen_with_an_unknown_version_says_what_lists_them() -> None:
    with pytest.raises(CommandError, match="model_versions"):
        run("rescreen", "--model", "nothing@1")
