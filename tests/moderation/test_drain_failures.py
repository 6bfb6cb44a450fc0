"""What goes wrong while a batch is scored: a text, the model, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.db import OperationalError

from moderation.models import ModelVersion, Screening
from moderation.screening.scorer import PROBE_TEXT, ModelNotReady, Scorer
from moderation.worker.drain import drain
from tests.forum.models import Note, Post
from tests.moderation.conftest import by_words, load_by_words, make_version, screen
from tests.moderation.test_drain import only

pytestmark = pytest.mark.django_db


def _failing(error: Exception, *, at: str = "") -> Any:
    """A loader whose scorer raises on texts that contain `at`."""

    def load(version: ModelVersion) -> Scorer:
        def score(texts: Sequence[str]) -> list[dict[str, float]]:
            if any(at in text for text in texts):
                raise error
            return by_words(texts)

        return score

    return load


def test_an_error_of_one_text_counts_against_that_text_alone(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    for text in ("hello", "poison secret", "you idiot"):
        Note.objects.create(text=text)
    done = drain(load=_failing(ValueError("poison secret"), at="poison"))
    assert (done.scored, done.failures) == (2, 1)
    row = Screening.objects.get(text="poison secret")
    assert (row.status, row.attempts, row.deaths) == ("pending", 1, 0)
    assert row.error_code == "scoring-error:ValueError"
    assert "secret" not in caplog.text


def test_after_three_errors_of_its_own_it_stands_in_the_queue_and_keeps_its_visibility(
    version: ModelVersion,
) -> None:
    Post.objects.create(body="poison")
    Note.objects.create(text="poison")
    for _ in range(3):
        drain(load=_failing(ValueError(), at="poison"))
        Screening.objects.update(retry_at=None)
    assert set(Screening.objects.open().values_list("status", "queued_for")) == {("failed", "failed")}
    assert Post.objects.get().is_visible is False
    assert Note.objects.get().state == "published"
    assert screen().scored == 0


def test_a_new_version_scores_what_failed(version: ModelVersion) -> None:
    from moderation.worker.sweep import sweep

    Post.objects.create(body="poison")
    for _ in range(3):
        drain(load=_failing(ValueError(), at="poison"))
        Screening.objects.update(retry_at=None)
    ModelVersion.objects.update(is_active=False)
    make_version("2", is_active=True)
    assert sweep(load=load_by_words).retried == 1
    assert (only().status, only().verdict) == ("done", "clear")
    assert Post.objects.get().is_visible is True


def test_scores_that_are_no_probabilities_count_as_an_error(version: ModelVersion) -> None:
    Note.objects.create(text="odd")
    Note.objects.create(text="hello")

    def load(version: ModelVersion) -> Scorer:
        return lambda texts: [
            {**scores, "toxic": float("nan")} if text == "odd" else scores
            for text, scores in zip(texts, by_words(texts), strict=True)
        ]

    assert (drain(load=load).failures, Screening.objects.filter(status="done").count()) == (1, 1)


@pytest.mark.parametrize(
    "error",
    [OperationalError(), OSError(), MemoryError(), ModelNotReady("gone"), ValueError("every text fails")],
)
def test_what_is_not_a_texts_fault_counts_against_none(version: ModelVersion, error: Exception) -> None:
    for text in ("hello", "you idiot"):
        Note.objects.create(text=text)
    done = drain(load=_failing(error))
    assert done.is_ready is False
    rows = Screening.objects.values_list("status", "attempts", "deaths", "lease_token", "error_code")
    assert set(rows) == {("pending", 0, 0, None, "")}
    assert screen().scored == 2


def test_a_model_that_can_not_be_loaded_leaves_everything_pending_and_says_so_once(
    version: ModelVersion, caplog: pytest.LogCaptureFixture
) -> None:
    Note.objects.create(text="hello secret")

    def load(version: ModelVersion) -> Scorer:
        raise ModelNotReady("/models/1/model.onnx is missing")

    for _ in range(3):
        assert drain(load=load).is_ready is False
    assert caplog.text.count("model.onnx is missing") == 1
    assert "secret" not in caplog.text
    assert only().lease_token is None


def test_a_model_that_scores_nothing_is_found_out_before_a_quarantined_text_is_claimed(
    version: ModelVersion,
) -> None:
    """It might kill the worker, and that must not count against a text."""
    Note.objects.create(text="hello")
    Screening.objects.update(deaths=2)
    asked: list[str] = []

    def broken(texts: Sequence[str]) -> list[dict[str, float]]:
        asked.extend(texts)
        raise ValueError

    assert not drain(load=lambda version: broken).is_ready
    assert asked == [PROBE_TEXT]
    row = only()
    assert (row.status, row.deaths, row.lease_token) == ("pending", 2, None)
    assert screen().scored == 1
