"""Whatever comes to Perspective's endpoints of a site: Google's envelope, no error of ours."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moderation.api import scoring
from moderation.api.perspective import views
from moderation.api_keys import making
from moderation.audit import MACHINE
from tests.toxicity_ml.perspective.hostile import BATCHES, BODIES, HEADERS, LARGE, REQUESTS

pytestmark = pytest.mark.django_db
ROOT = "/perspective"
PATHS = st.sampled_from([f"{ROOT}/v1alpha1/comments:analyze", f"{ROOT}/v1alpha1/comments:suggestscore"])
bounded = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key; texts are scored by their length, since it is not the model that is tried here."""
    monkeypatch.setattr(
        scoring, "score_admitted", lambda version, texts: [dict.fromkeys(version.labels, 0.5) for _ in texts]
    )
    scoring.active_version()
    yield making.create("ours", ("analyze", "suggest"), quota=None, actor=MACHINE)[1]
    assert mail.outbox == []


def checked(answer: Any) -> None:
    """An answer of the API's own forms."""
    assert answer.status_code < 500
    if answer.headers["Content-Type"].startswith("application/json"):
        content = json.loads(answer.content)
        assert ("error" in content) == (answer.status_code != 200)
        assert answer.status_code == 200 or content["error"]["code"] == answer.status_code
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    else:
        assert answer.status_code == 404 or answer.headers["Content-Type"].startswith("multipart/mixed")


def post(path: str, body: bytes, content_type: str = "text/plain", **headers: str) -> Any:
    return Client(raise_request_exception=True).generic("POST", path, body, content_type, headers=headers)


@bounded
@given(PATHS, REQUESTS | BODIES)
def test_any_body_is_answered(key: str, path: str, body: bytes) -> None:
    checked(post(f"{path}?key={key}", body))


@bounded
@given(BATCHES)
def test_any_batch_is_answered(key: str, batch: tuple[str, bytes]) -> None:
    content_type, body = batch
    checked(post(f"{ROOT}/batch?key={key}", body, content_type))


@bounded
@given(PATHS, HEADERS)
def test_any_header_is_answered(key: str, path: str, headers: dict[str, str]) -> None:
    checked(post(path, b"{}", **headers))


@pytest.mark.parametrize("name", LARGE)
def test_large_bodies_are_answered_within_the_memory_of_a_few(key: str, name: str) -> None:
    body, content_type = LARGE[name]
    path = "batch" if content_type.startswith("multipart") else "v1alpha1/comments:analyze"
    tracemalloc.start()
    try:
        checked(post(f"{ROOT}/{path}?key={key}", body, content_type))
        assert tracemalloc.get_traced_memory()[1] < 16 * len(body)
    finally:
        tracemalloc.stop()


def test_more_batches_than_a_process_takes_are_told_to_come_again(key: str) -> None:
    with views._batches, views._batches:
        answer = post(f"{ROOT}/batch?key={key}", b"", "multipart/mixed; boundary=b")
        assert (answer.status_code, answer.json()["error"]["status"]) == (503, "UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) >= 1
    assert post(f"{ROOT}/batch?key={key}", b"", "multipart/mixed; boundary=b").status_code == 400
