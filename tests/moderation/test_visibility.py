"""Hiding and showing: only what we hid, only the text that was judged, and the person's word last."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from moderation.models import ModelVersion, Screening
from moderation.review import decisions
from moderation.visibility import hiding, pending_actions
from tests.forum import rules
from tests.forum.models import Letter, Note
from tests.moderation.conftest import screen

HELD = "I kill you"


def only() -> Screening:
    return Screening.objects.get(is_current=True)


@pytest.fixture
def held_note(version: ModelVersion) -> Screening:
    Note.objects.create(text=HELD)
    screen()
    return only()


@pytest.mark.django_db
def test_show_brings_back_what_we_hid(held_note: Screening) -> None:
    hiding.show(held_note)
    assert Note.objects.get().state == "published"
    assert (only().hidden_by_us, only().action_pending) == (False, False)


@pytest.mark.django_db
def test_show_leaves_alone_what_the_site_hid_or_changed_itself(held_note: Screening) -> None:
    Note.objects.update(state="archived")
    hiding.show(held_note)
    assert Note.objects.get().state == "archived"


@pytest.mark.django_db
def test_hide_twice_is_hide_once(held_note: Screening) -> None:
    hiding.hide(held_note)
    hiding.hide(held_note)
    assert (Note.objects.get().state, only().hidden_by_us) == ("withheld", True)
    hiding.show(only())
    assert Note.objects.get().state == "published"


@pytest.mark.django_db
def test_hide_touches_one_column_only(version: ModelVersion) -> None:
    Note.objects.create(text=HELD)
    writes: list[str] = []

    def note_writes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "forum_note"'):
            writes.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note_writes):
        screen()
    (sql,) = writes
    assert sql.startswith('UPDATE "forum_note" SET "state" = %s WHERE')


@pytest.mark.django_db
def test_a_text_that_was_not_judged_is_not_hidden(held_note: Screening) -> None:
    hiding.show(held_note)
    Note.objects.update(text="how nice")
    hiding.hide(only())
    assert Note.objects.get().state == "published"
    assert only().action_pending is True


@pytest.mark.django_db
def test_what_is_gone_needs_no_action(held_note: Screening) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM forum_note")
    hiding.show(held_note)
    assert only().action_pending is False


@pytest.mark.django_db
def test_a_rolled_back_decision_hides_nothing(version: ModelVersion) -> None:
    Note.objects.create(text="you idiot")
    screen()
    with pytest.raises(RuntimeError), transaction.atomic():
        hiding.hide(only())
        raise RuntimeError
    assert Note.objects.get().state == "published"
    assert only().hidden_by_us is False


@pytest.mark.django_db(transaction=True)
def test_callables_run_after_the_commit(version: ModelVersion) -> None:
    Letter.objects.create(text=HELD)
    screen()
    assert Letter.objects.get().is_withdrawn is True
    assert (only().hidden_by_us, only().action_pending) == (True, False)
    with transaction.atomic():
        Screening.objects.update(outcome="show")
        hiding.show(only())
        assert Letter.objects.get().is_withdrawn is True
    assert Letter.objects.get().is_withdrawn is False
    assert (only().hidden_by_us, only().action_pending) == (False, False)


@pytest.mark.django_db(transaction=True)
def test_a_callable_that_says_it_was_hidden_already_leaves_it_to_the_site(version: ModelVersion) -> None:
    Letter.objects.create(text=HELD, is_withdrawn=True)
    screen()
    assert (only().hidden_by_us, only().action_pending) == (False, False)


@pytest.mark.django_db(transaction=True)
def test_a_callable_that_raises_is_tried_again_later(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    Letter.objects.create(text=HELD, refuses=True)
    screen()
    row = only()
    assert (row.verdict, row.queued_for, row.action_pending, row.hidden_by_us) == (
        "held",
        "held",
        True,
        False,
    )
    assert "WillNot" in caplog.text
    assert HELD not in caplog.text
    assert pending_actions.due(10) == []
    Letter.objects.update(refuses=False)
    Screening.objects.update(action_until="2000-01-01T00:00Z")
    assert pending_actions.due(10) == [row.pk]
    assert hiding.act(row.pk) is True
    assert Letter.objects.get().is_withdrawn is True
    assert (only().hidden_by_us, only().action_pending) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_what_a_callable_hid_just_before_its_process_died_is_ours_to_show(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    Letter.objects.create(text=HELD, refuses=True)
    screen()
    Letter.objects.update(refuses=False)
    real = rules.withdraw

    def die(letter: Letter) -> bool:
        real(letter)
        raise KeyboardInterrupt

    monkeypatch.setattr(rules, "withdraw", die)
    with pytest.raises(KeyboardInterrupt):
        hiding.act(only().pk)
    monkeypatch.setattr(rules, "withdraw", real)
    assert hiding.act(only().pk) is True
    assert (only().hidden_by_us, only().action_pending) == (True, False)
    with transaction.atomic():
        Screening.objects.update(outcome="show")
        hiding.show(only())
    assert Letter.objects.get().is_withdrawn is False


@pytest.mark.django_db(transaction=True)
def test_a_text_whose_action_fails_is_scored_meanwhile(version: ModelVersion) -> None:
    letter = Letter.objects.create(text=HELD)
    screen()
    Letter.objects.update(is_withdrawn=False, refuses=True)
    Screening.objects.update(hidden_by_us=False, action_pending=True)
    letter.text, letter.refuses = "how nice", True
    letter.save()
    assert hiding.act(only().pk) is False
    assert (only().status, only().lease_until) == ("pending", None)
    assert screen().scored == 1


@pytest.mark.django_db(transaction=True)
def test_a_person_who_decides_while_the_callable_runs_wins(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    Letter.objects.create(text=HELD)
    moderator = get_user_model().objects.create_user("moderator")
    real = rules.withdraw

    def slow(letter: Letter) -> bool:
        hidden = real(letter)
        decisions.decide(only().pk, reviewer=moderator, kind="false_positive")
        return hidden

    monkeypatch.setattr(rules, "withdraw", slow)
    screen()
    assert (only().action_pending, only().hidden_by_us) == (True, True)
    assert hiding.act(only().pk) is True
    assert Letter.objects.get().is_withdrawn is False


@pytest.mark.django_db(transaction=True)
def test_the_edit_of_a_letter_waits_for_no_callable_but_is_withdrawn_by_the_worker(
    version: ModelVersion,
) -> None:
    letter = Letter.objects.create(text=HELD)
    screen()
    Letter.objects.update(is_withdrawn=False)
    Screening.objects.update(hidden_by_us=False, action_pending=True)
    letter.text = "how nice"
    letter.save()
    assert Letter.objects.get().is_withdrawn is False
    screen()
    assert (only().queued_for, only().verdict) == ("edited", "clear")
    assert Letter.objects.get().is_withdrawn is True


@pytest.mark.django_db
def test_without_a_way_to_hide_a_held_text_is_only_queued(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "MODELS": {"forum.Note": {"text": "text"}}}
    Note.objects.create(text=HELD)
    screen()
    assert (only().verdict, only().action_pending) == ("held", False)
    assert Note.objects.get().state == "published"
