"""Nothing tells that an item is a disagreement, nor what either version says of it, before the decision."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from moderation.models import ModelVersion, Scoring, Screening
from moderation.review.decisions import decide
from moderation.shadow import trials
from moderation.versions import store
from tests.moderation.conftest import screen
from tests.moderation.test_blind import FLAGGED, markup, queue
from tests.moderation.test_queue import open_page, staff
from tests.moderation.test_shadow import by_other_words, post, worker

pytestmark = pytest.mark.django_db
ADDRESSES = (
    "",
    "?state=flagged",
    "?state=all",
    "?state=decided",
    "?label=insult",
    "?verdict__exact=flagged",
    "?verdict__exact=clear",
    "?state=all&verdict__exact=clear",
    "?state=all&label=insult",
    "?label=insult&score_from=0.1",
)
API = "/api/moderation/screenings/"


def page(client: Client, address: str) -> str:
    """A page without what differs from one request to the next."""
    plain = re.sub(r'(csrfmiddlewaretoken" value=")[^"]*', r"\1", open_page(client, address))
    plain = re.sub(r'(name="rendered" value=")[^"]*', r"\1", plain)
    plain = re.sub(r'(nonce=")[^"]*', r"\1", plain)
    return re.sub(r"<time.*?</time>", "", plain, flags=re.DOTALL)


def test_a_disagreement_looks_as_an_audit_item_does_on_every_page(
    version: ModelVersion, settings: Any
) -> None:
    moderator = staff("ann", "review_screening")
    rows = queue(settings)
    audit = [row for row in rows.values() if row.queued_for == "audit"]
    addresses = (*ADDRESSES, f"{audit[0].pk}/change/")
    before = {address: page(moderator, address) for address in addresses}
    api = moderator.get(f"{API}{audit[0].pk}/").content
    Screening.objects.filter(queued_for="audit").update(queued_for="disagreement", sampling_probability=0.51)
    for address in addresses:
        assert page(moderator, address) == before[address], address
    assert moderator.get(f"{API}{audit[0].pk}/").content == api


def test_a_trial_gives_no_item_away(
    version: ModelVersion, candidate: ModelVersion, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn by a real trial, beside flagged items that are judged blind."""
    moderator = staff("ann", "review_screening")
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1e-9, "BLIND_SHARE": 1.0}
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    trials.start(candidate, draw_rate=1.0)
    post(*FLAGGED, "so stupid")
    screen(beside=worker())
    rows = {row.text: row for row in Screening.objects.open()}
    drawn, flagged = rows["so stupid"], rows[FLAGGED[0]]
    assert drawn.queued_for == "disagreement" and drawn.severity == pytest.approx(flagged.severity)
    listed = open_page(moderator)
    assert markup(listed, drawn) == markup(listed, flagged)
    for row in (drawn, flagged):
        item = open_page(moderator, f"{row.pk}/change/")
        for tell in (str(candidate), str(version), "isagreement", "hadow", 'role="meter"'):
            assert tell not in item, tell
        told = moderator.get(f"{API}{row.pk}/").json()
        assert told["scorings"] == [] and told["queued_for"] is None and told["sampling_probability"] is None


def test_what_a_candidate_says_of_any_item_is_told_after_the_decision(
    version: ModelVersion, candidate: ModelVersion, settings: Any
) -> None:
    moderator = staff("ann", "review_screening")
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0.01, "BLIND_SHARE": 0.0}
    post("you idiot")
    screen()
    row = Screening.objects.get()
    scores = by_other_words([row.text])[0]
    Scoring.objects.create(screening=row, model_version=candidate, purpose="shadow", scores=scores)
    address = f"{row.pk}/change/"

    def told() -> tuple[bool, str]:
        api = json.dumps(moderator.get(f"{API}{row.pk}/").json()["scorings"])
        return str(candidate) in open_page(moderator, address), api

    is_shown, api = told()
    assert not is_shown and str(candidate) not in api and str(version) in api
    decide(row.pk, reviewer=User.objects.get(username="ann"), kind="false_positive")
    is_shown, api = told()
    assert is_shown and str(candidate) in api
