"""When a candidate counts as better."""

import math

import numpy as np
import pytest

from moderation import gate

HALVES = {"old_thresholds": [0.5, 0.5], "new_thresholds": [0.5, 0.5]}
NAN = math.nan


def rows(items: int, *values: float) -> np.ndarray:
    return np.tile(np.array(values, dtype=np.float64), (items, 1))


def test_a_candidate_that_corrects_every_error_is_better() -> None:
    found = gate.compare(rows(40, 0, 0), rows(40, 0.8, 0.6), rows(40, 0.1, 0.1), [1.0] * 40, **HALVES)
    assert found.verdict == gate.BETTER
    assert found.old_loss == pytest.approx((0.64 + 0.36) / 2)
    assert found.new_loss == pytest.approx(0.01)
    assert (found.old_errors, found.new_errors) == (1.0, 0.0)


def test_a_worse_and_an_equal_candidate_are_not_better() -> None:
    truth, good, bad = rows(40, 1, 0), rows(40, 0.9, 0.1), rows(40, 0.6, 0.4)
    assert gate.compare(truth, good, bad, [1.0] * 40, **HALVES).verdict == gate.NOT_BETTER
    assert gate.compare(truth, good, good, [1.0] * 40, **HALVES).verdict == gate.NOT_BETTER


def test_few_items_are_not_enough_evidence_however_large_the_gain() -> None:
    few = gate.MIN_ITEMS - 1
    found = gate.compare(rows(few, 0, 0), rows(few, 1, 1), rows(few, 0, 0), [1.0] * few, **HALVES)
    assert found.verdict == gate.NOT_ENOUGH_EVIDENCE
    assert gate.compare(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2)), [], **HALVES).items == 0


def test_many_items_of_which_few_carry_the_weight_are_not_enough_evidence() -> None:
    probabilities = [1.0] * 60 + [0.001] * 2
    found = gate.compare(rows(62, 0, 0), rows(62, 1, 1), rows(62, 0, 0), probabilities, **HALVES)
    assert found.verdict == gate.NOT_ENOUGH_EVIDENCE
    assert found.effective_items < 3


def test_items_count_with_the_inverse_of_their_sampling_probability() -> None:
    """Better on what the active version flagged, worse on what it let through: worse on the whole site."""
    truth = np.concatenate([rows(50, 0, 0), rows(50, 1, 0)])
    old = np.concatenate([rows(50, 0.7, 0.1), rows(50, 0.4, 0.1)])
    new = np.concatenate([rows(50, 0.2, 0.1), rows(50, 0.2, 0.1)])
    assert gate.compare(truth, old, new, [1.0] * 100, **HALVES).verdict == gate.BETTER
    weighted = gate.compare(truth, old, new, [1.0] * 50 + [0.05] * 50, **HALVES)
    assert weighted.verdict == gate.NOT_BETTER
    assert weighted.difference is not None and weighted.difference > 0


def test_labels_that_nobody_looked_at_count_for_nothing() -> None:
    truth = rows(30, 1, NAN)
    found = gate.compare(truth, rows(30, 0.6, 0.0), rows(30, 0.9, 1.0), [1.0] * 30, **HALVES)
    assert found.verdict == gate.BETTER
    assert found.new_loss == pytest.approx(0.01)
    unseen = np.concatenate([truth, rows(5, NAN, NAN)])
    again = gate.compare(unseen, rows(35, 0.6, 0.0), rows(35, 0.9, 1.0), [1.0] * 35, **HALVES)
    assert again.items == 30


def test_chance_alone_seldom_passes_and_ever_more_seldom_when_tried_again() -> None:
    generator = np.random.default_rng(5)
    passed = {0: 0, 4: 0}
    for _ in range(100):
        truth = generator.integers(0, 2, (60, 1)).astype(float)
        old, new = generator.random((60, 1)), generator.random((60, 1))
        for earlier in passed:
            found = gate.compare(
                truth,
                old,
                new,
                [1.0] * 60,
                old_thresholds=[0.5],
                new_thresholds=[0.5],
                earlier_comparisons=earlier,
            )
            passed[earlier] += found.verdict == gate.BETTER
    assert passed[4] <= passed[0] <= 15  # 5 % of 100 is 5; more than 15 would be one in ten thousand
