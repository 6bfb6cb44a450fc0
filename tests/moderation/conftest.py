"""Fixtures for the app's tests: an active model version, and a scorer that any reader can predict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from moderation.models import ModelVersion
from moderation.screening.drain import Drained, drain
from moderation.screening.score import Scorer

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


@pytest.fixture
def version(db: None) -> ModelVersion:
    """The active version: labels count from 0.5."""
    return make_version("1", is_active=True)
