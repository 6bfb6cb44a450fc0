"""Suggestions of API clients: they change no figure, no sample and no queue of the site's own comments."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils import timezone

from moderation import signals
from moderation.metrics import REGISTRY
from moderation.models import Screening, Suggestion
from moderation.rescreening import runs
from moderation.rescreening.apply import act, preview
from moderation.rescreening.runs import RunLease
from moderation.retraining import training_data
from moderation.review import blind
from moderation.review.decisions import decide
from moderation.screening import claim, suggestions
from moderation.screening.suggestions import Suggested
from moderation.worker.drain import drain
from moderation.worker.sweep import sweep
from tests.forum.models import Note
from tests.moderation.conftest import LABELS, by_words, load_by_words, make_version, screen
from tests.moderation.test_acting import of, says
from tests.moderation.test_rescreen import constant

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("version")]
QUEUE = "/admin/moderation/screening/"


def suggest(text: str, token: str = "", **labels: float) -> Screening:
    made = suggestions.receive(Suggested(text, labels, labels, key_name="coral", client_token=token))
    return made.screening


def screened(text: str, token: str = "") -> Screening:
    row = suggest(text, token, toxic=1.0)
    screen()
    row.refresh_from_db()
    return row


def verdicts(name: str) -> float:
    return REGISTRY.get_sample_value("moderation_screened_total", {"verdict": name}) or 0.0


def test_another_version_s_verdict_puts_none_into_the_queue_of_the_comments() -> None:
    row = screened("hello")
    candidate, lease = make_version("2"), RunLease(runs._take(print))
    says(candidate, constant(0.97), lease)
    assert preview(candidate, of(candidate)).changes == {}
    act(candidate, of(candidate), lease)
    row.refresh_from_db()
    assert (row.queued_for, row.sampling_probability) == ("", None)
    assert not Screening.objects.open().exists()


def test_one_that_can_not_be_scored_waits_among_the_suggestions_alone() -> None:
    row = suggest("hello", toxic=1.0)
    for _ in range(claim.ATTEMPTS_TO_FAIL):
        Screening.objects.update(retry_at=None)
        drain(load=lambda version: breaking)
    row.refresh_from_db()
    assert (row.status, row.queued_for, row.sampling_probability) == ("failed", "", None)
    assert not Screening.objects.open().exists()
    assert Screening.objects.suggested().get() == row


def breaking(texts: Sequence[str]) -> list[dict[str, float]]:
    """A scorer that fails on `hello` alone."""
    if "hello" in texts:
        raise ValueError
    return by_words(texts)


def test_no_audit_item_takes_the_place_of_one() -> None:
    for number in range(5):
        screened(f"you idiot {number}")
    assert {labels for _, labels in blind.places(20)} == {""}


def test_none_counts_among_the_site_s_verdicts() -> None:
    before = verdicts("flagged")
    screened("you idiot")
    assert verdicts("flagged") == before
    Note.objects.create(text="you idiot")
    screen()
    assert verdicts("flagged") == before + 1


def test_however_many_there_are_of_a_text_it_weighs_no_more() -> None:
    note = Note.objects.create(text="first!")
    screen()
    for number in range(5):
        suggest("first!", token=f"comment:{number}")
    row = Screening.objects.get(object_id=str(note.pk))
    decide(row.pk, reviewer=User.objects.create_user("ann"), kind="false_positive")
    (learned,) = training_data.weighted_by_comments(training_data.reviewed(LABELS))
    assert learned.weight == 1.0


def test_one_whose_text_retention_took_waits_no_more(settings: Any, admin_client: Client) -> None:
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 30}
    row = screened("how nice")
    Screening.objects.update(created=timezone.now() - timedelta(days=31))
    sweep(load=load_by_words)
    row.refresh_from_db()
    assert (row.text, row.outcome) == ("", "")
    assert not Screening.objects.suggested().exists()
    assert f"item-{row.pk}" not in admin_client.get(f"{QUEUE}?state=suggested").content.decode()


def test_the_queue_reads_the_newest_of_a_text_alone(admin_client: Client) -> None:
    for _ in range(9):
        screened("how nice", token="comment:1")
    for number, suggestion in enumerate(Suggestion.objects.order_by("id")):
        Suggestion.objects.filter(pk=suggestion.pk).update(key_name=f"key-{number}")
    page = admin_client.get(f"{QUEUE}?state=suggested")
    (row,) = page.context["cl"].result_list
    assert len(row.newest_suggestions) == 5
    text = page.content.decode()
    assert [number for number in range(9) if f"key-{number}" in text] == [4, 5, 6, 7, 8]


def test_what_a_client_called_a_text_goes_with_the_text(settings: Any) -> None:
    row = screened("hello", "comment:7")
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 1}
    two_days_ago = timezone.now() - timedelta(days=2)
    Screening.objects.update(created=two_days_ago, scored=two_days_ago)
    sweep()
    row.refresh_from_db()
    assert row.text == ""
    assert not Suggestion.objects.exists()


def test_no_receiver_is_told_of_a_suggestion(settings: Any) -> None:
    told: list[Screening] = []

    def receiver(screening: Screening, **_: Any) -> None:
        told.append(screening)

    signals.screening_scored.connect(receiver)
    try:
        screened("you idiot")
        assert told == []
    finally:
        signals.screening_scored.disconnect(receiver)


def test_another_key_s_suggestion_of_the_same_text_is_its_own() -> None:
    suggest("hello", "comment:7", toxic=1.0)
    other = Suggested("hello", {}, {}, key_name="other", client_token="comment:7")
    suggestions.receive(other)
    assert Screening.objects.suggested().count() == 2


@pytest.mark.django_db(transaction=True)
def test_clients_that_speak_of_one_text_at_once_make_one_screening() -> None:
    ready = threading.Barrier(4)

    def speak() -> None:
        try:
            ready.wait(30)
            suggest("hello", "comment:7", toxic=1.0)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Suggestion.objects.count() == 4
    assert Screening.objects.suggested().count() == 1
