"""The guards on fixed texts and on the site's own comments, by models whose scores are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from moderation.models import ModelVersion, Screening
from moderation.retraining import probing, traffic
from moderation.retraining.gate import guards
from moderation.texts import text_key
from toxicity_ml.robustness.identity_sentences import identity_sentences


class Words:
    """A model that says 0.9 of every text in which a rule finds something, and 0.1 of others."""

    labels = ("toxic", "insult")
    thresholds = {"toxic": 0.5, "insult": 0.5}

    def __init__(self, finds: Callable[[str], bool]) -> None:
        self.finds = finds

    def predict_array(self, texts: list[str]) -> np.ndarray:
        return np.array([[0.9, 0.2] if self.finds(text) else [0.1, 0.2] for text in texts], dtype=np.float32)

    def predict(self, texts: list[str]) -> list[dict[str, float]]:
        scored = self.predict_array(texts).tolist()
        return [dict(zip(self.labels, row, strict=True)) for row in scored]


def nothing(_: str) -> bool:
    return False


def idiots(text: str) -> bool:
    return "idiot" in text.lower()


def anything(_: str) -> bool:
    return True


def test_sentences_about_groups_are_different_and_the_same_each_time() -> None:
    sentences = identity_sentences(200, seed=20)
    assert len(sentences) == len({text for text, _ in sentences}) == 200
    assert sentences == identity_sentences(200, seed=20)
    assert len({group for _, group in sentences}) > 5
    assert not [text for text, _ in sentences if "{" in text or "[" in text]


def test_a_candidate_that_flags_groups_for_nothing_fails() -> None:
    names_some = Words(lambda text: any(word in text for word in ("neighbours", "newspaper")))
    assert probing.identity(Words(nothing), Words(nothing)).passed
    found = probing.identity(Words(nothing), names_some)
    assert not found.passed and found.new is not None and found.new > guards.ALLOWED_IDENTITY
    assert probing.identity(names_some, Words(nothing)).passed


def test_a_candidate_that_no_longer_reads_disguises_fails() -> None:
    sharp = Words(lambda text: "diot" in text.lower() or "1d" in text or "i.d" in text or "i d" in text)
    found = probing.disguises(sharp, Words(idiots))
    assert found.items > 5 and found.old is not None and found.new is not None and found.new < found.old
    assert not found.passed
    assert probing.disguises(sharp, sharp).passed
    assert not probing.disguises(Words(nothing), Words(idiots)).is_measured


def test_a_candidate_that_unlearned_plain_insults_fails() -> None:
    texts = ["you are an idiot", "thank you"]
    assert probing.kept(Words(idiots), Words(anything), texts).passed
    found = probing.kept(Words(idiots), Words(nothing), texts)
    assert (found.new, found.passed, found.items) == (0.0, False, 1)
    assert not probing.kept(Words(nothing), Words(idiots), texts).is_measured


def test_a_ratio_of_times_is_held_to_its_factor() -> None:
    assert guards.ratio(guards.LATENCY, 3.0, 3.5, 1.2, items=40).passed
    assert not guards.ratio(guards.LATENCY, 3.0, 3.7, 1.2, items=40).passed
    found = probing.latency(Words(nothing), Words(nothing))
    assert found.old is not None and found.items == probing.TIMED_TEXTS


@pytest.fixture
def versions(settings: Any) -> tuple[ModelVersion, ModelVersion]:
    settings.MODERATION = {**settings.MODERATION, "HOLD_AT": 0.95}
    known = {"labels": ["toxic", "insult"], "thresholds": Words.thresholds, "manifest_sha256": "0" * 64}
    return (
        ModelVersion.objects.create(name="tiny", version="1", **known),
        ModelVersion.objects.create(name="tiny", version="2", **known),
    )


def comment(text: str, **columns: Any) -> Screening:
    key = text_key(text, "moderation.text_key")
    return Screening.objects.create(
        source="import", status="done", text=text, text_key=key, verdict="clear", **columns
    )


@pytest.mark.django_db
def test_comments_of_the_test_side_are_drawn_and_no_others() -> None:
    for number in range(80):
        comment(f"number {number}")
    drawn = {row.text for row in traffic.drawn(seed=1)}
    assert drawn and drawn == {row.text for row in traffic.drawn(seed=2)}
    elsewhere = {row.text for row in traffic.drawn(seed=1, rotation=1)}
    assert elsewhere and not drawn & elsewhere
    assert len(traffic.drawn(5, seed=1)) == 5


@pytest.mark.django_db
def test_what_changes_most_is_named_by_id_with_the_rates(
    versions: tuple[ModelVersion, ModelVersion],
) -> None:
    rows = [comment(f"idiot {number}") for number in range(12)] + [comment(f"hello {n}") for n in range(28)]
    found = traffic.treatment(rows, Words(nothing), Words(idiots), versions)
    flags, holds = found.guards
    assert (flags.old, flags.new, flags.passed) == (0.0, 0.3, False)
    assert (holds.old, holds.new, holds.passed) == (0.0, 0.0, True)
    assert {change.screening for change in found.up} == {row.pk for row in rows[:12]}
    assert not found.down
    assert (found.up[0].label, found.up[0].old, found.up[0].new) == ("toxic", 0.1, 0.9)
    assert (found.up[0].was, found.up[0].will_be) == ("clear", "flagged")
    assert "idiot" not in str(found.as_dict())
    assert traffic.treatment([], Words(nothing), Words(idiots), versions).comments == 0
