"""The primary figure on what was reviewed since the active version was made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from moderation.retraining import comparing
from moderation.retraining.training_data import Row, Sides

MADE = datetime(2026, 3, 1, tzinfo=UTC)


class Constant:
    """A classifier that gives every text the same score."""

    labels = ("toxic",)
    thresholds = {"toxic": 0.5}

    def __init__(self, score: float) -> None:
        self.score = score

    def predict_array(self, texts: list[str]) -> np.ndarray:
        return np.full((len(texts), 1), self.score, dtype=np.float32)


def rows(count: int, days: int, harmful: bool, start: int = 0, probability: float | None = 0.5) -> list[Row]:
    """Make reviewed rows, decided so many days after the active version was made."""
    return [
        Row(
            f"text {number}",
            (float(harmful),),
            f"{number:064x}",
            probability=probability,
            is_random=probability is not None,
            review=number,
            reviewed=MADE + timedelta(days=days),
        )
        for number in range(start, start + count)
    ]


def test_what_was_reviewed_since_is_compared_by_itself() -> None:
    before, since = rows(20, -5, harmful=False, start=1), rows(30, 5, harmful=True, start=100)
    sides = Sides(test=[*before, *since], since_active=since)
    evidence = comparing.gathered(Constant(0.2), Constant(0.6), sides.test)
    found = comparing._since_active(evidence, sides)
    assert found is not None
    assert found.items == 30
    assert [found.old_loss, found.new_loss] == pytest.approx([0.64, 0.16], abs=1e-6)
    of_all = comparing.primary(evidence.drawn)
    assert of_all.items == 50
    assert of_all.old_loss == pytest.approx((20 * 0.04 + 30 * 0.64) / 50, abs=1e-6)


def test_where_that_is_all_or_nothing_there_is_no_second_figure() -> None:
    since = rows(30, 5, harmful=True)
    for late in (since, []):
        sides = Sides(test=since, since_active=late)
        evidence = comparing.gathered(Constant(0.2), Constant(0.6), sides.test)
        assert comparing._since_active(evidence, sides) is None


def test_what_people_brought_up_stands_for_no_others_here_either() -> None:
    before, since = rows(20, -5, harmful=False), rows(3, 5, harmful=True, start=100, probability=None)
    sides = Sides(test=[*before, *since], since_active=since)
    evidence = comparing.gathered(Constant(0.2), Constant(0.6), sides.test)
    assert comparing._since_active(evidence, sides) is None
