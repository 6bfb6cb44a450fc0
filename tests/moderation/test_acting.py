"""`rescreen --act`: over everything a version has said, counted first, and never over a person's word."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from moderation.audit import Action
from moderation.models import AuditEntry, ModelVersion, Scoring, Screening
from moderation.rescreening import apply, runs
from moderation.rescreening.apply import act, preview
from moderation.rescreening.runs import RunLease, Scope
from moderation.review import decisions
from moderation.screening.scorer import Scorer
from moderation.visibility import hiding
from tests.conftest import uses_postgresql
from tests.forum.models import Note, Post
from tests.moderation.conftest import locked_by_somebody, make_version, screen
from tests.moderation.test_rescreen import begin, constant, go

pytestmark = pytest.mark.django_db


@pytest.fixture
def lease(db: None) -> RunLease:
    return RunLease(runs._take(print))


@pytest.fixture
def candidate(version: ModelVersion) -> ModelVersion:
    """A clear, a flagged, and a held note by version 1; version 2, inactive, is returned."""
    for text in ("hello", "you idiot", "I kill you"):
        Note.objects.create(text=text)
    screen()
    return make_version("2")


def of(version: ModelVersion, **scope: Any) -> Scope:
    return Scope(runs.ScreeningRun.Kind.RESCREEN, version, **scope)


def says(version: ModelVersion, load: Callable[[ModelVersion], Scorer], lease: RunLease) -> None:
    assert go(begin(version), lease, load=load)


def row(text: str) -> Screening:
    return Screening.objects.get(text=text)


def test_the_queue_finds_labels_by_the_version_that_the_verdict_rests_on(
    candidate: ModelVersion, lease: RunLease
) -> None:
    def labelled(label: str) -> set[str]:
        return set(Screening.objects.labelled(label).values_list("text", flat=True))

    before = labelled("toxic")
    assert before == {"you idiot", "I kill you"}
    says(candidate, constant(0.97), lease)
    assert labelled("toxic") == before
    act(candidate, of(candidate), lease)
    assert labelled("toxic") == {"hello", "you idiot", "I kill you"}
    assert labelled("insult") == set()


def test_it_changes_verdicts_visibility_and_the_queue_and_says_who_did_it(
    candidate: ModelVersion, lease: RunLease
) -> None:
    says(candidate, constant(0.97), lease)
    done = act(candidate, of(candidate), lease, username="ann (system)")
    assert done.changes == {("clear", "held"): 1, ("flagged", "held"): 1, ("held", "held"): 1}
    assert (done.hidden, done.shown, done.queued) == (2, 0, 1)
    assert set(Screening.objects.values_list("verdict", "hidden_by_us")) == {("held", True)}
    assert set(Note.objects.values_list("state", flat=True)) == {"withheld"}
    assert (row("hello").queued_for, row("you idiot").queued_for) == ("held", "flagged")
    assert row("hello").basis().model_version == candidate  # type: ignore[union-attr]
    entries = AuditEntry.objects.filter(action=Action.SCREENING_RESCREENED)
    assert set(entries.values_list("username", "target_id")) == {
        ("ann (system)", str(row("hello").pk)),
        ("ann (system)", str(row("you idiot").pk)),
    }
    whole = AuditEntry.objects.get(action=Action.RESCREEN_ACTED)
    assert (whole.username, whole.after["hidden"], whole.target_id) == (
        "ann (system)",
        2,
        str(candidate.pk),
    )
    assert not act(candidate, of(candidate), lease).changes


def test_what_is_clear_now_is_shown_and_stays_in_the_queue(candidate: ModelVersion, lease: RunLease) -> None:
    says(candidate, constant(0.0), lease)
    done = act(candidate, of(candidate), lease)
    assert (done.hidden, done.shown, done.queued) == (0, 1, 0)
    held = row("I kill you")
    assert (held.verdict, held.queued_for, held.hidden_by_us) == ("clear", "held", False)
    assert Note.objects.get(text="I kill you").state == "published"


def test_the_preview_counts_what_acting_then_does_and_changes_nothing(
    candidate: ModelVersion, lease: RunLease
) -> None:
    says(candidate, constant(0.97), lease)
    before = list(Screening.objects.order_by("id").values())
    found = preview(candidate, of(candidate))
    assert list(Screening.objects.order_by("id").values()) == before
    assert not AuditEntry.objects.exists()
    assert act(candidate, of(candidate), lease) == found


def test_it_rests_on_everything_the_version_has_said_not_only_in_the_last_run(
    candidate: ModelVersion, lease: RunLease
) -> None:
    says(candidate, constant(0.97), lease)
    act(candidate, of(candidate), lease)
    Note.objects.create(text="newer")
    screen()
    first = ModelVersion.objects.get(version="1")
    says(candidate, constant(0.97), lease)
    assert act(candidate, of(candidate), lease).changes == {("clear", "held"): 1}
    # And back: what version 1 said live counts, although no run ever asked it.
    done = act(first, of(first), lease)
    assert done.changes == {("held", "clear"): 2, ("held", "flagged"): 1, ("held", "held"): 1}
    assert Note.objects.get(text="hello").state == "published"


def test_what_a_person_has_decided_about_is_never_touched(candidate: ModelVersion, lease: RunLease) -> None:
    ann = User.objects.create_user("ann")
    decisions.decide(row("I kill you").pk, reviewer=ann, kind="uphold")
    decisions.decide(row("you idiot").pk, reviewer=ann, kind="false_positive")
    before = list(Screening.objects.exclude(text="hello").order_by("id").values())
    says(candidate, constant(0.97), lease)
    done = act(candidate, of(candidate), lease)
    assert (done.reviewed, sum(done.changes.values())) == (2, 1)
    assert list(Screening.objects.exclude(text="hello").order_by("id").values()) == before
    assert Note.objects.get(text="you idiot").state == "published"


def test_a_person_who_decides_after_the_preview_wins(candidate: ModelVersion, lease: RunLease) -> None:
    says(candidate, constant(0.0), lease)
    assert preview(candidate, of(candidate)).shown == 1
    decisions.decide(row("I kill you").pk, reviewer=User.objects.create_user("ann"), kind="uphold")
    assert act(candidate, of(candidate), lease).shown == 0
    assert Note.objects.get(text="I kill you").state == "withheld"


def test_what_was_edited_while_hidden_waits_for_a_person(candidate: ModelVersion, lease: RunLease) -> None:
    note = Note.objects.get(text="I kill you")
    note.text = "how nice"
    note.save()
    screen()
    says(candidate, constant(0.0), lease)
    done = act(candidate, of(candidate), lease)
    assert (done.edited, done.shown) == (1, 0)
    assert Note.objects.get(text="how nice").state == "withheld"
    assert row("how nice").queued_for == "edited"


def test_what_is_edited_after_it_was_scored_keeps_its_verdict(
    candidate: ModelVersion, lease: RunLease
) -> None:
    says(candidate, constant(0.97), lease)
    note = Note.objects.get(text="hello")
    note.text = "hello again"
    note.save()
    act(candidate, of(candidate), lease)
    assert (row("hello").verdict, row("hello again").status) == ("clear", "pending")
    assert Note.objects.get(text="hello again").state == "published"


def test_what_is_edited_behind_the_orm_meanwhile_is_not_hidden_for_its_old_text(
    candidate: ModelVersion, lease: RunLease
) -> None:
    says(candidate, constant(0.97), lease)
    Note.objects.filter(text="hello").update(text="hello again")
    act(candidate, of(candidate), lease)
    assert Note.objects.get(text="hello again").state == "published"
    assert row("hello").action_pending is True


def test_what_is_blanked_is_not_acted_on_as_nobody_could_judge_it(
    candidate: ModelVersion, lease: RunLease
) -> None:
    says(candidate, constant(0.97), lease)
    Screening.objects.filter(text="hello").update(text="", blanked=timezone.now())
    assert act(candidate, of(candidate), lease).blanked == 1
    assert Note.objects.get(text="hello").state == "published"


def test_interrupted_it_goes_on_where_it_was(
    candidate: ModelVersion, lease: RunLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "CHUNK", 2)
    says(candidate, constant(0.97), lease)
    first = act(candidate, of(candidate), lease, should_stop=iter([False, True]).__next__)
    assert sum(first.changes.values()) == 1
    rest = act(candidate, of(candidate), lease)
    assert sum(rest.changes.values()) == 2
    assert set(Screening.objects.values_list("verdict", flat=True)) == {"held"}


@pytest.mark.django_db(transaction=True)
def test_a_chunk_happens_wholly_or_not_at_all(
    candidate: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = RunLease(runs._take(print))
    says(candidate, constant(0.97), lease)
    before = list(Screening.objects.order_by("id").values())
    with monkeypatch.context() as patch:
        patch.setattr(hiding, "apply_all", _fail)
        with pytest.raises(OperationalError):
            act(candidate, of(candidate), lease)
    assert list(Screening.objects.order_by("id").values()) == before
    assert Scoring.objects.filter(model_version=candidate, is_basis=True).count() == 0
    assert not AuditEntry.objects.exists()


def _fail(*_: Any) -> None:
    raise OperationalError


@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
@pytest.mark.django_db(transaction=True)
def test_what_somebody_is_changing_is_not_waited_for_and_is_left_to_the_next_call(
    candidate: ModelVersion,
) -> None:
    lease = RunLease(runs._take(print))
    says(candidate, constant(0.97), lease)
    with locked_by_somebody(Screening.objects.filter(text="hello")):
        done = act(candidate, of(candidate), lease)
        assert (done.busy, sum(done.changes.values()), row("hello").verdict) == (1, 2, "clear")
    assert act(candidate, of(candidate), lease).changes == {("clear", "held"): 1}


def test_it_can_be_narrowed(candidate: ModelVersion, lease: RunLease) -> None:
    Post.objects.create(body="a post")
    screen()
    says(candidate, constant(0.97), lease)
    assert sum(act(candidate, of(candidate, model_label="forum.Post"), lease).changes.values()) == 1
    tomorrow = timezone.now() + timedelta(days=1)
    assert not act(candidate, of(candidate, since=tomorrow), lease).changes
    assert row("hello").verdict == "clear"


def test_a_shadow_is_never_acted_on(candidate: ModelVersion, lease: RunLease) -> None:
    says(candidate, constant(0.97), lease)
    Scoring.objects.filter(model_version=candidate).update(purpose="shadow")
    assert not act(candidate, of(candidate), lease).changes


def test_a_chunk_costs_the_same_number_of_queries_however_many_rows_change(
    candidate: ModelVersion, lease: RunLease
) -> None:
    def queries(count: int) -> int:
        for number in range(count):
            Note.objects.create(text=f"text {number} of {count}")
        screen()
        says(candidate, constant(0.7), lease)
        with CaptureQueriesContext(connection) as queries:
            act(candidate, of(candidate), lease)
        return len(queries)

    queries(1)
    assert queries(5) == queries(50) < 20


def run_command(*arguments: str) -> str:
    out = StringIO()
    call_command("rescreen", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_previews_first_and_then_acts(
    candidate: ModelVersion, lease: RunLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(candidate, constant(0.97), lease)
    lease.release()
    printed = run_command("--model", "test@2", "--act", "--dry-run")
    assert "clear -> held: 1" in printed
    assert "hidden: 2, shown: 0, into the queue: 1" in printed
    assert "Acting" not in printed
    printed = run_command("--model", "test@2", "--act")
    assert printed.index("if verdicts are to rest on it") < printed.index("Acting:")
    assert AuditEntry.objects.filter(username__endswith=" (system)").count() == 3


def test_on_a_terminal_the_command_asks(
    candidate: ModelVersion, lease: RunLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(candidate, constant(0.97), lease)
    lease.release()
    from moderation.management.commands import rescreen as command

    asked: list[str] = []

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(command.sys, "stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda prompt: asked.append(prompt) or "n")
    out = Terminal()
    call_command("rescreen", "--model", "test@2", "--act", stdout=out)
    assert "Nothing was changed." in out.getvalue()
    assert row("hello").verdict == "clear"
    call_command("rescreen", "--model", "test@2", "--act", "--yes", stdout=Terminal())
    assert (row("hello").verdict, len(asked)) == ("held", 1)
