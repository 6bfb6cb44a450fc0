"""Coral's external moderation phase: its signature, and what it is told of a comment."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from django.test import Client, override_settings
from django.urls import include, path

from moderation.models import ModelVersion, Screening
from tests.moderation.conftest import by_words, scores_with

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
urlpatterns = [path("coral/", include("moderation.api.coral.urls"))]
SECRET = "coral shows it once"


def request_of(text: Any) -> dict[str, Any]:
    """As Coral sends it for a new comment, in the form that it documents."""
    return {
        "action": "NEW",
        "comment": {"body": text, "parentID": None},
        "author": {"id": "a1", "role": "COMMENTER"},
        "story": {"id": "s1", "url": "https://news.example/a"},
        "site": {"id": "n1"},
        "tenantID": "t1",
        "tenantDomain": "coral.example",
    }


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def ask(content: Any, signature: str | None = None) -> Any:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {"X-Coral-Signature": signed(body) if signature is None else signature}
    client = Client(enforce_csrf_checks=True)
    return client.post("/coral/phase/", body, content_type="application/json", headers=headers)


@pytest.fixture(autouse=True)
def ready(version: ModelVersion, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "CORAL_SIGNING_SECRET": SECRET}
    scores_with(monkeypatch, by_words)


def test_a_clear_comment_is_left_to_the_next_phase() -> None:
    answer = ask(request_of("Good morning"))
    assert (answer.status_code, answer.content) == (204, b"")


FLAG = {"actionType": "FLAG", "reason": "COMMENT_DETECTED_TOXIC"}


def test_a_flagged_comment_is_reported_and_a_held_one_is_withheld() -> None:
    assert ask(request_of("you idiot")).json() == {"actions": [FLAG]}
    assert ask(request_of("I kill you")).json() == {"actions": [FLAG], "status": "SYSTEM_WITHHELD"}
    assert not Screening.objects.exists()


@pytest.mark.parametrize(
    "signature", ["", "sha256=", "sha1=abc", signed(b"another body"), signed(b"{}", "another secret"), "é"]
)
def test_what_coral_did_not_sign_is_refused(signature: str) -> None:
    assert ask(request_of("you idiot"), signature).status_code == 401


def test_one_of_two_signatures_is_enough_while_coral_rolls_its_secret() -> None:
    body = json.dumps(request_of("you idiot")).encode()
    assert ask(body, f"{signed(body, 'the old one')},{signed(body)}").status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"{}", b'{"comment": 1}', b'{"comment": {"body": null}}', b"[" * 100_000]
)
def test_a_request_without_a_comment_is_refused(body: bytes) -> None:
    assert ask(body).status_code == 400


def test_a_text_that_would_take_too_long_is_refused(settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "CLASSIFY_MAX_CHARACTERS": 100}
    assert ask(request_of(101 * "a")).status_code == 413


def test_without_a_model_coral_is_told_to_go_on(
    version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moderation.versions.store.active_version", _none)
    assert ask(request_of("hello")).status_code == 503


def _none() -> Any:
    from moderation.versions.store import ModelUnavailable

    raise ModelUnavailable("none")


def test_a_site_that_has_set_no_secret_has_no_such_address(settings: Any) -> None:
    with override_settings(MODERATION={**settings.MODERATION, "CORAL_SIGNING_SECRET": ""}):
        assert ask(request_of("hello"), signed(b"", "")).status_code == 404


def test_only_posts_are_answered() -> None:
    assert Client().get("/coral/phase/").status_code == 405
