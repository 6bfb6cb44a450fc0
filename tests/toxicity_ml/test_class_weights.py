"""Class weights against scikit-learn and against the papers' formulas."""

import math

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from toxicity_ml.training.class_weights import (
    WEIGHT_KINDS,
    balanced_weights,
    class_weights,
    effective_number_weights,
    positive_class_weights,
    positive_weights,
    prevalence,
)

NAN = math.nan


def test_prevalence_leaves_masked_labels_out_and_weights_are_capped() -> None:
    targets = np.array([[1, NAN], [0, 0], [0, 1.0], [0, NAN]])
    share = prevalence(targets, np.ones(4))
    assert share == pytest.approx([1.5 / 5, 1.5 / 3])
    assert positive_weights(np.array([0.5, 0.1, 0.001])) == pytest.approx([1.0, 3.0, 5.0])


def test_balanced_is_scikit_learns() -> None:
    chosen = np.array([0] * 7 + [1] * 2 + [2] * 31)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=chosen)
    assert balanced_weights(np.bincount(chosen)) == pytest.approx(expected)
    assert class_weights("balanced", np.eye(3)[chosen], np.ones(40)) == pytest.approx(expected)


def test_effective_number_follows_the_papers_formula_and_sums_to_the_classes() -> None:
    counts, beta = np.array([10, 1000, 100_000]), 0.999
    by_hand = np.array([(1 - beta) / (1 - beta**count) for count in counts])
    found = effective_number_weights(counts, beta)
    assert found == pytest.approx(by_hand * 3 / by_hand.sum()) and found.sum() == pytest.approx(3)
    assert effective_number_weights(counts, 0.0) == pytest.approx([1, 1, 1])
    nearly_one = effective_number_weights(counts, 1 - 1e-12)
    assert nearly_one / nearly_one[0] == pytest.approx(balanced_weights(counts) / balanced_weights(counts)[0])
    with pytest.raises(ValueError, match="beta"):
        effective_number_weights(counts, 1.0)


def test_a_class_without_rows_weighs_nothing_and_spoils_nothing() -> None:
    counts = np.array([10, 0, 30])
    assert balanced_weights(counts) == pytest.approx([2.0, 0.0, 2 / 3])
    assert effective_number_weights(counts)[1] == 0 and effective_number_weights(
        counts
    ).sum() == pytest.approx(2)


def test_class_weights_count_by_row_weight_and_leave_masked_rows_out() -> None:
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [NAN, NAN], [1.0, NAN]])
    rows = np.array([3.0, 1.0, 9.0, 9.0])
    assert class_weights("balanced", targets, rows) == pytest.approx([4 / 6, 2.0])
    assert class_weights("sqrt", targets, rows) == pytest.approx(np.sqrt([4 / 6, 2.0]))
    assert class_weights("none", targets, rows) == pytest.approx([1.0, 1.0])


def test_positive_weights_are_the_two_sides_ratio() -> None:
    targets = np.array([[1.0]] * 10 + [[0.0]] * 990 + [[NAN]] * 50)
    rows = np.ones(len(targets))
    ratio = 990.5 / 10.5
    assert positive_class_weights("balanced", targets, rows) == pytest.approx([ratio])
    assert positive_class_weights("sqrt", targets, rows, cap=7.0) == pytest.approx([7.0])
    assert positive_class_weights("sqrt", targets, rows, cap=50.0) == pytest.approx([math.sqrt(ratio)])
    effective = (1 - 0.999**990.5) / (1 - 0.999**10.5)
    assert positive_class_weights("effective", targets, rows) == pytest.approx([effective])
    assert positive_class_weights("none", targets, rows) == pytest.approx([1.0])


@pytest.mark.parametrize("kind", WEIGHT_KINDS)
def test_a_label_without_positives_gets_a_finite_weight(kind: str) -> None:
    assert np.isfinite(positive_class_weights(kind, np.zeros((20, 2)), np.ones(20))).all()


def test_an_unknown_kind_is_refused() -> None:
    for weigh in (class_weights, positive_class_weights):
        with pytest.raises(ValueError, match="choose none, balanced, effective, sqrt"):
            weigh("inverse", np.eye(2), np.ones(2))
