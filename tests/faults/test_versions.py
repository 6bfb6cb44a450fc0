"""Model versions activated and left while real workers score: no text waits, is lost or scored twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from moderation.models import AuditEntry, Scoring, Screening
from moderation.versions import store
from moderation.versions.store import ModelUnavailable
from tests.faults.test_pools import _calibrated_otherwise
from tests.faults.workers import Workers
from tests.forum.models import Letter

SENTENCE = "The market square was quiet in the morning, and people talked about the weather. "


def test_going_back_and_forth_under_load_loses_no_text_and_the_last_word_counts(
    workers: Workers, model_directory: Path, tmp_path: Path
) -> None:
    first = store.activate(store.publish(_calibrated_otherwise(tmp_path, "first", 1.0)))
    second = store.publish(_calibrated_otherwise(tmp_path, "second", 2.0))
    broken = store.publish(_calibrated_otherwise(tmp_path, "broken", 3.0))
    (model_directory / broken.location / "model.onnx").write_bytes(b"half")
    worker = workers.start("solo")

    def save(count: int) -> None:
        """Save some, and go on while most of them wait."""
        done = Scoring.objects.count()
        for number in range(count):
            Letter.objects.create(text=f"{number} {SENTENCE * 3}")
        workers.wait_for(lambda: Scoring.objects.count() > done, "the worker to be at it", pause=0.005)

    save(70)
    store.activate(second)
    save(70)
    assert store.rollback() == first
    save(70)
    with pytest.raises(ModelUnavailable, match=r"model\.onnx is damaged"):
        store.activate(broken)
    assert store.active_version() == first
    store.activate(second)
    store.rollback()
    workers.wait_until_screened(210)
    count = 210

    def is_by_first() -> bool:
        """Save one more: the worker may have begun a batch by the version that was left just now."""
        nonlocal count
        count += 1
        letter = Letter.objects.create(text=f"one of the last, {count}")
        workers.wait_until_screened(count)
        basis = Screening.objects.get(object_id=str(letter.pk)).basis()
        return basis is not None and basis.model_version == first

    workers.wait_for(is_by_first, "the worker to go back")

    assert worker.process.poll() is None
    assert set(Screening.objects.values_list("status", "deaths", "attempts")) == {("done", 0, 0)}
    by_screening = Counter(Scoring.objects.values_list("screening_id", flat=True))
    assert len(by_screening) == count and set(by_screening.values()) == {1}
    by_version = Counter(Scoring.objects.values_list("model_version", flat=True))
    assert set(by_version) == {first.pk, second.pk}
    steps = AuditEntry.objects.filter(action__startswith="model.").exclude(action="model.published")
    assert list(steps.order_by("id").values_list("action", flat=True)) == [
        "model.activated",
        "model.activated",
        "model.rolled_back",
        "model.activated",
        "model.rolled_back",
    ]
