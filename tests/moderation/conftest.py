"""Fixtures for the app's tests: an active model version, and a scorer that any reader can predict."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections, transaction
from django.db.models import QuerySet

from moderation.models import ModelVersion
from moderation.screening import model
from moderation.screening import scorer as score
from moderation.screening.scorer import Scorer
from moderation.worker.drain import Drained, drain

LABELS = ("toxic", "threat", "insult")


def by_words(texts: Sequence[str]) -> list[dict[str, float]]:
    """Threats score 0.97, insults 0.7, everything else 0.01; handed to `drain` in place of a classifier."""
    return [
        {
            "toxic": 0.97 if "kill" in text else 0.7 if "idiot" in text else 0.01,
            "threat": 0.97 if "kill" in text else 0.01,
            "insult": 0.7 if "idiot" in text else 0.01,
        }
        for text in texts
    ]


def load_by_words(version: ModelVersion) -> Scorer:
    """What `drain` takes as `load`."""
    return by_words


def screen(**options: Any) -> Drained:
    """Drain with the scorer by words."""
    return drain(load=load_by_words, **options)


def make_version(number: str, *, is_active: bool = False) -> ModelVersion:
    """A registered version; its files are of no interest to these tests."""
    return ModelVersion.objects.create(
        name="test",
        version=number,
        location=f"test-{number}",
        manifest_sha256=number.rjust(64, "0"),
        labels=list(LABELS),
        thresholds=dict.fromkeys(LABELS, 0.5),
        is_active=is_active,
    )


@contextmanager
def locked_by_somebody(rows: QuerySet[Any]) -> Iterator[None]:
    """While this lasts, another connection holds the lock of `rows`, as an unfinished save does."""
    is_locked, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                assert list(rows.select_for_update())
                is_locked.set()
                may_end.wait(60)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert is_locked.wait(60)
        yield
    finally:
        may_end.set()
        thread.join(60)


class _Loaded:
    """What `model.load_model` makes of a version, with a scorer of the tests'."""

    def __init__(self, scorer: Scorer) -> None:
        self.predict = scorer
        self.batch_limits = model.batch_limits(is_batched=False)


def scores_with(monkeypatch: pytest.MonkeyPatch, scorer: Scorer) -> None:
    """Every version scores so, however it is loaded, until the test ends."""
    monkeypatch.setattr(model, "load_model", lambda version, **_: _Loaded(scorer))
    for loaded in ("_loaded", "_loaded_for_web"):
        monkeypatch.setattr(score, loaded, score._Loaded(lambda: "onnx"))


@pytest.fixture
def version(db: None) -> ModelVersion:
    """The active version: labels count from 0.5."""
    return make_version("1", is_active=True)


@pytest.fixture
def candidate(version: ModelVersion) -> ModelVersion:
    """Version 2, not active."""
    return make_version("2")


@pytest.fixture
def small_batches(settings: Any) -> None:
    """A chunk of a rescreening is eight texts, a slice is one."""
    settings.MODERATION = {**settings.MODERATION, "BATCH_SIZE": 2}


def run_command(*arguments: str) -> str:
    """What a management command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()
