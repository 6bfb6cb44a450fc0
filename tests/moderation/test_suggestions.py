"""Suggestions of API clients: they change no figure, no sample and no queue of the site's own comments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

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
    for number in range(9):
        screened("how nice", token="comment:1")
        Suggestion.objects.filter(pk=Suggestion.objects.latest("id").pk).update(key_name=f"key-{number}")
    page = admin_client.get(f"{QUEUE}?state=suggested")
    (row,) = page.context["cl"].result_list
    assert len(row.newest_suggestions) == 5
    text = page.content.decode()
    assert [number for number in range(9) if f"key-{number}" in text] == [4, 5, 6, 7, 8]
