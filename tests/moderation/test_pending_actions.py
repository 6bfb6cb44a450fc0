"""What can't be hidden or shown: nobody else waits for it, nobody does it twice at once, a person is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models.functions import Now
from django.test import Client

from moderation import registry
from moderation.models import ModelVersion, Review, Screening
from moderation.models.content_types import content_type_of
from moderation.review import decisions
from moderation.visibility import hiding, pending_actions, release
from moderation.worker.sweep import sweep
from tests.conftest import uses_postgresql
from tests.forum import rules
from tests.forum.models import Letter, Note
from tests.moderation.conftest import load_by_words, locked_by_somebody, screen

pytestmark = pytest.mark.django_db(transaction=True)

HELD = "I will kill you, kestrel"


def row_of(letter: Letter) -> Screening:
    return Screening.objects.get(object_id=str(letter.pk), content_type__model="letter", is_current=True)


def pauses_are_over() -> None:
    Screening.objects.filter(action_until__isnull=False).update(action_until=Now() - timedelta(seconds=1))


@pytest.fixture
def refused(version: ModelVersion) -> Screening:
    """A held letter that the site's code could not withdraw so far."""
    letter = Letter.objects.create(text=HELD, refuses=True)
    screen()
    return row_of(letter)


@pytest.mark.regression("H1")
@pytest.mark.parametrize(
    "error", [rules.WillNot(HELD), rules.NoException(HELD)], ids=lambda e: type(e).__name__
)
def test_callable_that_raises_costs_nobody_else_a_verdict_or_an_action(
    version: ModelVersion,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real = rules.withdraw

    def withdraw(letter: Letter) -> bool:
        if letter.refuses:
            raise error
        return real(letter)

    monkeypatch.setattr(rules, "withdraw", withdraw)
    bad = Letter.objects.create(text=HELD, refuses=True)
    Letter.objects.create(text=HELD)
    assert screen().verdicts == {"held": 2}
    for _ in range(3):
        pauses_are_over()
        Letter.objects.create(text=HELD)
        assert sweep(load=load_by_words).drained.verdicts == {"held": 1}
    assert set(Letter.objects.filter(is_withdrawn=False)) == {bad}
    row = row_of(bad)
    assert (row.verdict, row.action_pending, row.action_attempts, row.hidden_by_us) == (
        "held",
        True,
        4,
        False,
    )
    assert row.error_code == f"acting-error:{type(error).__name__}"
    assert row.is_open
    assert f"Screening {row.pk}" in caplog.text and "kestrel" not in caplog.text


@pytest.mark.regression("H1")
def test_action_that_fails_for_good_is_put_before_a_person(refused: Screening) -> None:
    """Also where nobody would look at the comment otherwise."""
    Screening.objects.update(verdict="clear", queued_for="", hidden_by_us=True)
    for _ in range(pending_actions.ATTEMPTS_TO_QUEUE - 1):
        assert not Screening.objects.open().exists()
        hiding.act(refused.pk)
    row = Screening.objects.open().get()
    assert (row.queued_for, row.error_code) == ("failed", "acting-error:WillNot")
    Letter.objects.update(refuses=False)
    assert hiding.act(refused.pk)
    row.refresh_from_db()
    assert (row.error_code, row.action_attempts, row.action_pending) == ("", 0, False)


def test_action_that_fails_is_tried_ever_more_seldom(refused: Screening) -> None:
    pauses = []
    for _ in range(9):
        hiding.act(refused.pk)
        row = Screening.objects.annotate(now=Now()).get(pk=refused.pk)
        pauses.append(round((row.action_until - row.now).total_seconds(), -1))
    assert pauses[:3] == [120, 240, 480]
    assert pauses[-1] == pending_actions.LONGEST_RETRY_SECONDS
    assert pending_actions.due(9) == []


class _Slow:
    """A callable of the site that takes its time when it is asked first."""

    thread: threading.Thread

    def __init__(self) -> None:
        self.calls = 0
        self.has_begun, self.may_end = threading.Event(), threading.Event()

    def end(self) -> None:
        """Let the first one end, and wait until it has."""
        self.may_end.set()
        self.thread.join(60)

    def __call__(self, letter: Letter) -> bool:
        self.calls += 1
        if not self.has_begun.is_set():
            self.has_begun.set()
            self.may_end.wait(60)
        return bool(Letter.objects.filter(pk=letter.pk, is_withdrawn=False).update(is_withdrawn=True))


@pytest.fixture
def slow(refused: Screening, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Slow]:
    """While somebody is carrying out the action, and has not ended."""
    asked = _Slow()
    monkeypatch.setattr(rules, "withdraw", asked)

    def carry_out() -> None:
        try:
            hiding.act(refused.pk)
        finally:
            connections.close_all()

    asked.thread = threading.Thread(target=carry_out, daemon=True)
    asked.thread.start()
    assert asked.has_begun.wait(60)
    yield asked
    asked.end()


@pytest.mark.regression("L3")
def test_no_two_ask_the_site_for_the_same_object_at_once(refused: Screening, slow: _Slow) -> None:
    assert not hiding.act(refused.pk)
    assert pending_actions.due(9) == []
    assert sweep(load=load_by_words).acted == 0
    assert slow.calls == 1


@pytest.mark.regression("L3")
def test_action_that_never_ended_is_counted_and_taken_over(refused: Screening, slow: _Slow) -> None:
    pauses_are_over()
    assert pending_actions.due(9) == [refused.pk]
    assert hiding.act(refused.pk)
    slow.end()  # and finds that it was hidden already, by the one that took over
    assert slow.calls == 2
    row = Screening.objects.get(pk=refused.pk)
    assert (row.hidden_by_us, row.action_pending, row.error_code) == (True, False, "")


@pytest.mark.regression("L6")
def test_item_whose_key_its_model_can_t_hold_any_more_is_decided(
    version: ModelVersion, admin_client: Client
) -> None:
    """It was screened when the keys were numbers; they are UUIDs now, and no comment has that key."""
    entry = registry.get("forum.Note")
    assert entry is not None
    row = Screening.objects.create(
        content_type=content_type_of(entry.model),
        object_id="123",
        field="text",
        text=HELD,
        status="done",
        verdict="held",
        queued_for="held",
        hidden_by_us=True,
        sampling_probability=1.0,
    )
    page = f"/admin/moderation/screening/{row.pk}/decide/"
    response = admin_client.post(page, {"kind": "false_positive"}, follow=True)
    assert response.status_code == 200
    assert "no such comment is left to be shown" in response.content.decode()
    row.refresh_from_db()
    assert (row.outcome, row.action_pending) == ("show", False)


@pytest.mark.regression("L6")
def test_decision_that_the_data_do_not_let_through_is_kept_and_says_so(
    version: ModelVersion, admin_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note.objects.create(text="you idiot")
    screen()

    def of_rows(*_: Any) -> Any:
        raise ValueError("kestrel")

    monkeypatch.setattr("moderation.objects.live_text.LiveText.of_rows", of_rows)
    row = Screening.objects.get(object_id=str(note.pk))
    decisions.decide(row.pk, reviewer=admin_user, kind="uphold")
    row.refresh_from_db()
    assert (row.outcome, row.action_pending, row.action_attempts) == ("hide", True, 1)
    assert Review.objects.filter(screening=row).exists()
    monkeypatch.undo()
    assert hiding.act(row.pk)
    assert Note.objects.get().state == "withheld"


@pytest.mark.regression("H1")
def test_page_of_an_item_opens_whatever_the_site_s_own_page_raises(
    refused: Screening, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_absolute_url(letter: Letter) -> str:
        raise rules.NoException(letter.text)

    monkeypatch.setattr(Letter, "get_absolute_url", get_absolute_url, raising=False)
    assert admin_client.get(f"/admin/moderation/screening/{refused.pk}/change/").status_code == 200


@pytest.mark.regression("M12")
@pytest.mark.skipif(not uses_postgresql(), reason="SQLite locks no rows; TEST_DATABASE=postgresql runs this")
def test_action_whose_screening_a_site_s_transaction_holds_is_not_waited_for(refused: Screening) -> None:
    Letter.objects.update(refuses=False)
    with locked_by_somebody(Screening.objects.filter(pk=refused.pk)):
        assert not hiding.act(refused.pk)
    assert hiding.act(refused.pk)


# --- a call whose end nobody knows ------------------------------------------------------------------


@pytest.fixture
def answer_is_lost(version: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> Letter:
    """A held letter that the site's code withdrew, as an API that then did not answer in time."""
    real = rules.withdraw
    calls: list[int] = []

    def withdraw(letter: Letter) -> bool:
        changed = real(letter)
        calls.append(letter.pk)
        if len(calls) == 1:
            raise TimeoutError(HELD)
        return changed  # the second time it is withdrawn already, and this is False

    monkeypatch.setattr(rules, "withdraw", withdraw)
    letter = Letter.objects.create(text=HELD)
    screen()
    letter.refresh_from_db()
    row = row_of(letter)
    assert (letter.is_withdrawn, row.hidden_by_us, row.action_pending) == (True, False, True)
    return letter


@pytest.mark.regression("H1", "M13")
@pytest.mark.parametrize("is_tried_again", [False, True], ids=["before the retry", "after the retry"])
def test_person_s_show_undoes_a_hiding_whose_answer_was_lost(
    answer_is_lost: Letter, admin_client: Client, is_tried_again: bool
) -> None:
    if is_tried_again:
        pauses_are_over()
        sweep(load=load_by_words)
        assert (row_of(answer_is_lost).hidden_by_us, row_of(answer_is_lost).action_pending) == (True, False)
    url = f"/admin/moderation/screening/{row_of(answer_is_lost).pk}/decide/"
    page = admin_client.post(url, {"kind": "false_positive"}, follow=True).text
    answer_is_lost.refresh_from_db()
    assert not answer_is_lost.is_withdrawn
    assert "is shown" in page
    row = row_of(answer_is_lost)
    assert (row.hidden_by_us, row.hidden_by, row.action_pending) == (False, "", False)


@pytest.mark.regression("H1", "M13")
def test_release_undoes_a_hiding_whose_answer_was_lost(answer_is_lost: Letter) -> None:
    assert release(answer_is_lost)
    answer_is_lost.refresh_from_db()
    assert not answer_is_lost.is_withdrawn


@pytest.mark.regression("H1", "M13")
def test_edit_after_a_lost_answer_still_leads_to_a_show(answer_is_lost: Letter, admin_user: Any) -> None:
    answer_is_lost.text = "how nice"
    answer_is_lost.save()
    decisions.decide(row_of(answer_is_lost).pk, reviewer=admin_user, kind="false_positive")
    answer_is_lost.refresh_from_db()
    assert not answer_is_lost.is_withdrawn


@pytest.mark.regression("H1")
def test_error_before_the_site_is_called_owes_no_show(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch, admin_user: Any
) -> None:
    """What the site withdrew by itself stays withdrawn."""

    def missing(path: str) -> Any:
        raise ImportError(path)

    monkeypatch.setattr(hiding, "import_string", missing)
    letter = Letter.objects.create(text=HELD, is_withdrawn=True)
    screen()
    row = row_of(letter)
    assert (row.hidden_by_us, row.hidden_by, row.action_pending) == (False, "", True)
    monkeypatch.undo()
    decisions.decide(row.pk, reviewer=admin_user, kind="false_positive")
    letter.refresh_from_db()
    assert letter.is_withdrawn
