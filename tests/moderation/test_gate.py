"""When a candidate counts as better."""

import math

import numpy as np
import pytest

from moderation.retraining.gate import comparison as gate

HALVES = {"old_thresholds": [0.5, 0.5], "new_thresholds": [0.5, 0.5]}
NAN = math.nan
MIXED = [1.0] * 8 + [0.5] * 32
"""Of 40 items, most came up at random."""


def rows(items: int, *values: float) -> np.ndarray:
    return np.tile(np.array(values, dtype=np.float64), (items, 1))


def test_a_candidate_that_corrects_every_error_is_better() -> None:
    found = gate.compare(rows(40, 0, 0), rows(40, 0.8, 0.6), rows(40, 0.1, 0.1), MIXED, **HALVES)
    assert found.verdict == gate.BETTER
    assert found.old_loss == pytest.approx((0.64 + 0.36) / 2)
    assert found.new_loss == pytest.approx(0.01)
    assert (found.old_errors, found.new_errors) == (1.0, 0.0)


def test_a_worse_and_an_equal_candidate_are_not_better() -> None:
    truth, good, bad = rows(40, 1, 0), rows(40, 0.9, 0.1), rows(40, 0.6, 0.4)
    assert gate.compare(truth, good, bad, MIXED, **HALVES).verdict == gate.NOT_BETTER
    assert gate.compare(truth, good, good, MIXED, **HALVES).verdict == gate.NOT_BETTER


def test_few_items_are_not_enough_evidence_however_large_the_gain() -> None:
    few = gate.MIN_ITEMS - 1
    found = gate.compare(rows(few, 0, 0), rows(few, 1, 1), rows(few, 0, 0), [0.5] * few, **HALVES)
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
    unweighted = gate.compare(truth, old, new, [1.0] * 100, **HALVES)
    assert unweighted.difference is not None and unweighted.difference < -gate.MIN_GAIN
    weighted = gate.compare(truth, old, new, [1.0] * 50 + [0.05] * 50, **HALVES)
    assert weighted.verdict == gate.NOT_BETTER
    assert weighted.difference is not None and weighted.difference > 0


def test_labels_that_nobody_looked_at_count_for_nothing() -> None:
    truth = rows(30, 1, NAN)
    found = gate.compare(truth, rows(30, 0.6, 0.0), rows(30, 0.9, 1.0), [0.5] * 30, **HALVES)
    assert found.verdict == gate.BETTER
    assert found.new_loss == pytest.approx(0.01)
    unseen = np.concatenate([truth, rows(5, NAN, NAN)])
    again = gate.compare(unseen, rows(35, 0.6, 0.0), rows(35, 0.9, 1.0), [0.5] * 35, **HALVES)
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
                [0.5] * 60,
                old_thresholds=[0.5],
                new_thresholds=[0.5],
                earlier_comparisons=earlier,
            )
            passed[earlier] += found.verdict == gate.BETTER
    assert passed[4] <= passed[0] <= 15  # 5 % of 100 is 5; more than 15 would be one in ten thousand


def site(generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, old and new scores of 100,000 comments: the candidate says less of everything, and is worse.

    The active version flags figures of speech and misses a slang.
    """
    kinds = ((600, 0, 0.8), (400, 1, 0.8), (2000, 1, 0.3), (97_000, 0, 0.02))
    truth = np.concatenate([np.full(count, float(is_toxic)) for count, is_toxic, _ in kinds])
    logits = np.concatenate([np.full(count, math.log(score / (1 - score))) for count, _, score in kinds])
    logits += generator.normal(0, 0.3, len(logits))
    old, new = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(1 - logits))
    assert ((new - truth) ** 2).mean() > ((old - truth) ** 2).mean() + 0.003
    return truth, old, new


@pytest.mark.regression("H6")
@pytest.mark.parametrize(("flagged", "randoms"), [(60, 0), (60, 3), (1000, 0), (1000, 29)])
def test_without_enough_random_reviews_there_is_not_enough_evidence_however_many_others(
    flagged: int, randoms: int
) -> None:
    generator = np.random.default_rng(3)
    truth, old, new = site(generator)
    pointed_at = generator.permutation(np.flatnonzero(old >= 0.5))[:flagged]
    let_through = generator.permutation(np.flatnonzero(old < 0.5))[:randoms]
    chosen = np.concatenate([pointed_at, let_through])
    found = gate.compare(
        truth[chosen, None],
        old[chosen, None],
        new[chosen, None],
        [1.0] * len(pointed_at) + [0.01] * randoms,
        old_thresholds=[0.5],
        new_thresholds=[0.5],
    )
    assert found.verdict == gate.NOT_ENOUGH_EVIDENCE
    assert found.random_items == randoms


@pytest.mark.regression("H6")
@pytest.mark.parametrize("randoms", [30, 50, 100])
def test_random_reviews_that_met_no_harm_do_not_prove_that_there_is_none(randoms: int) -> None:
    """Among 30 comments that the active version let through there is seldom one of a slang of 2 %."""
    generator = np.random.default_rng(4)
    truth, old, new = site(generator)
    verdicts = set()
    for _ in range(20):
        pointed_at = generator.permutation(np.flatnonzero(old >= 0.5))[:60]
        let_through = generator.permutation(np.flatnonzero(old < 0.5))[:randoms]
        chosen = np.concatenate([pointed_at, let_through])
        found = gate.compare(
            truth[chosen, None],
            old[chosen, None],
            new[chosen, None],
            [60 / 1000] * 60 + [randoms / 99_000] * randoms,
            old_thresholds=[0.5],
            new_thresholds=[0.5],
            is_random=[False] * 60 + [True] * randoms,
        )
        verdicts.add(found.verdict)
    assert verdicts == {gate.NOT_BETTER}


@pytest.mark.regression("H6")
def test_the_honest_sample_is_enough_where_the_model_s_own_choice_alone_is_not() -> None:
    truth, old, new = rows(60, 0, 0), rows(60, 0.8, 0.6), rows(60, 0.1, 0.1)
    alone = gate.compare(truth, old, new, [1.0] * 60, **HALVES)
    assert alone.verdict == gate.NOT_ENOUGH_EVIDENCE
    clear = (rows(40, 0, 0), rows(40, 0.02, 0.02), rows(40, 0.02, 0.02))
    both = [np.concatenate(pair) for pair in zip((truth, old, new), clear, strict=True)]
    found = gate.compare(*both, [1.0] * 60 + [0.1] * 40, **HALVES)
    assert (found.verdict, found.items, found.random_items) == (gate.BETTER, 100, 40)
    assert found.effective_items == pytest.approx(40)


@pytest.mark.regression("H7")
def test_a_text_that_is_repeated_is_one_piece_of_evidence() -> None:
    truth, old, new = rows(60, 0, 0), rows(60, 0.8, 0.6), rows(60, 0.1, 0.1)
    repeated = gate.compare(truth, old, new, [0.5] * 60, text_keys=["same"] * 60, **HALVES)
    assert (repeated.verdict, repeated.effective_items) == (gate.NOT_ENOUGH_EVIDENCE, pytest.approx(1.0))
    keys = [str(number // 2) for number in range(60)]
    twice = gate.compare(truth, old, new, [0.5] * 60, text_keys=keys, **HALVES)
    assert (twice.verdict, twice.effective_items) == (gate.BETTER, pytest.approx(30))


def test_the_bound_of_a_repeated_text_is_wider_than_that_of_as_many_texts() -> None:
    generator = np.random.default_rng(6)
    truth, old = rows(200, 0), rows(200, 0.5)
    new = np.repeat(0.5 + generator.normal(-0.02, 0.2, 20), 10)[:, None]
    halves = {"old_thresholds": [0.5], "new_thresholds": [0.5]}
    keys = [str(number // 10) for number in range(200)]
    apart = gate.compare(truth, old, new, [0.5] * 200, **halves)
    together = gate.compare(truth, old, new, [0.5] * 200, text_keys=keys, **halves)
    assert apart.difference == together.difference and apart.upper_bound is not None
    assert together.upper_bound is not None and together.upper_bound > apart.upper_bound + 0.02


def test_a_level_under_one_in_4000_has_a_bound_of_its_own() -> None:
    """The 30th comparison's level is about one in 9,000: no 4,000 resamples reach so far."""
    generator = np.random.default_rng(7)
    truth, old = rows(80, 0), rows(80, 0.5)
    new = 0.5 + generator.normal(-0.02, 0.1, (80, 1))
    bounds = []
    for earlier in (0, 4, 19, 29, 100):
        found = gate.compare(
            truth,
            old,
            new,
            [0.5] * 80,
            old_thresholds=[0.5],
            new_thresholds=[0.5],
            earlier_comparisons=earlier,
        )
        assert found.upper_bound is not None
        bounds.append(found.upper_bound)
    assert bounds == sorted(set(bounds))
