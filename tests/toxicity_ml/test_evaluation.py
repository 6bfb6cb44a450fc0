"""Metrics against scikit-learn, calibration against data made with known parameters."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from toxicity_ml import evaluation


@pytest.fixture
def sample() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    truth = random.random(400) < 0.2
    scores = np.round(np.clip(random.random(400) * 0.6 + truth * 0.3, 0, 1), 2)  # many ties
    return truth, scores, random.random(400) + 0.05


def test_ranking_metrics_equal_scikit_learn_with_ties_and_weights(sample: tuple[np.ndarray, ...]) -> None:
    truth, scores, weights = sample
    area, average = evaluation.ranking_metrics(truth, scores, np.stack([np.ones(400), weights]))
    for index, weight in enumerate([None, weights]):
        assert area[index] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weight))
        assert average[index] == pytest.approx(average_precision_score(truth, scores, sample_weight=weight))


def test_figures_stand_inside_their_intervals_and_equal_scikit_learn(sample: tuple[np.ndarray, ...]) -> None:
    truth, scores, _ = sample
    report = evaluation.evaluate(
        scores[:, None], truth[:, None].astype(float), [0.5], ["toxic"], resamples=200
    )
    found = report["labels"]["toxic"]
    assert found["positives"] == truth.sum()
    assert found["f1"]["value"] == pytest.approx(f1_score(truth, scores >= 0.5))
    for metric in ("precision", "recall", "f1", "roc_auc", "average_precision"):
        assert found[metric]["low"] <= found[metric]["value"] <= found[metric]["high"]
        assert found[metric]["low"] < found[metric]["high"]
    assert report["micro"]["f1"]["value"] == pytest.approx(found["f1"]["value"])


def test_masked_labels_do_not_count(sample: tuple[np.ndarray, ...]) -> None:
    truth, scores, _ = sample
    targets = truth.astype(float)
    targets[:100] = np.nan
    report = evaluation.evaluate(scores[:, None], targets[:, None], [0.5], ["toxic"], resamples=10)
    expected = average_precision_score(truth[100:], scores[100:])
    assert report["labels"]["toxic"]["average_precision"]["value"] == pytest.approx(expected)


def test_a_label_without_positives_has_no_figure_instead_of_a_false_one() -> None:
    report = evaluation.evaluate(np.full((9, 1), 0.1), np.zeros((9, 1)), [0.5], ["threat"], resamples=10)
    found = report["labels"]["threat"]
    assert found["roc_auc"] is None and found["average_precision"] is None and found["f1"] is None


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        truth = random.random(300) < 0.3
        flagged = np.where(random.random(300) < 0.8, truth, ~truth).astype(float)
        targets = truth[:, None].astype(float)
        recall = evaluation.evaluate(flagged[:, None], targets, [0.5], ["a"], resamples=200)["labels"]["a"][
            "recall"
        ]
        covered += recall["low"] <= 0.8 <= recall["high"]
    assert 85 <= covered <= 100


def test_platt_scaling_finds_the_parameters_that_made_the_data() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(-1, 3, 20_000)
    truth = random.random(20_000) < evaluation.sigmoid(0.6 * logits - 0.8)
    slope, intercept = evaluation.fit_platt(logits, truth, np.ones(20_000))
    assert slope == pytest.approx(0.6, abs=0.03) and intercept == pytest.approx(-0.8, abs=0.06)


def test_few_positives_correct_the_prevalence_and_leave_the_slope() -> None:
    random = np.random.default_rng(2)
    logits = random.normal(0, 1, 500)
    truth = np.zeros(500, dtype=bool)
    truth[:5] = True
    slope, intercept = evaluation.fit_platt(logits, truth, np.ones(500))
    assert slope == 1.0
    assert evaluation.sigmoid(logits + intercept).mean() == pytest.approx(0.01, rel=1e-3)
    assert evaluation.fit_platt(logits, np.zeros(500, dtype=bool), np.ones(500)) == (1.0, 0.0)


def test_the_best_threshold_is_the_one_of_the_greatest_expected_f1() -> None:
    random = np.random.default_rng(4)
    scores = random.beta(0.3, 2.0, 3000)
    found = evaluation.best_threshold(scores, np.ones(3000))

    def expected_f1(threshold: float) -> float:
        flagged = scores >= threshold
        return 2 * scores[flagged].sum() / (flagged.sum() + scores.sum())

    assert expected_f1(found) == pytest.approx(
        max(expected_f1(t) for t in np.linspace(0.05, 0.95, 91)), abs=1e-3
    )


def test_calibration_error_of_perfect_and_of_constant_scores() -> None:
    truth = np.array([True, False, False, False])
    ones = np.ones(4)
    assert evaluation.calibration_error(truth.astype(float), truth, ones)["brier_skill"] == 1.0
    constant = evaluation.calibration_error(np.full(4, 0.25), truth, ones)
    assert constant["brier_skill"] == pytest.approx(0) and constant[
        "predicted_over_observed"
    ] == pytest.approx(1)


def test_few_positives_give_no_figure_when_asked(sample: tuple[np.ndarray, ...]) -> None:
    truth, scores, _ = sample
    targets = np.stack([truth, truth & (np.cumsum(truth) <= 19)], axis=1).astype(float)
    both = np.stack([scores, scores], axis=1)
    asked = evaluation.evaluate(both, targets, [0.5, 0.5], ["a", "b"], resamples=20, min_positives=20)
    always = evaluation.evaluate(both, targets, [0.5, 0.5], ["a", "b"], resamples=20)
    assert asked["labels"]["b"]["too_few"] and not asked["labels"]["a"]["too_few"]
    assert asked["labels"]["b"]["f1"] is None and always["labels"]["b"]["f1"] is not None
    assert asked["macro"]["f1"] == asked["labels"]["a"]["f1"]["value"] != always["macro"]["f1"]


def test_a_better_model_is_shown_to_be_better_and_an_equal_one_is_not() -> None:
    random = np.random.default_rng(3)
    truth = (random.random((1500, 3)) < [0.2, 0.1, 0.008]).astype(float)
    truth[:30, 0] = np.nan
    signal = np.nan_to_num(truth)
    worse = signal + random.normal(0, 0.8, truth.shape)
    better = signal + random.normal(0, 0.4, truth.shape)
    same = signal + random.normal(0, 0.8, truth.shape)
    found = evaluation.paired_difference(truth, worse, better, resamples=300)
    known = ~np.isnan(truth[:, 0])
    expected = average_precision_score(truth[known, 0], better[known, 0]) - average_precision_score(
        truth[known, 0], worse[known, 0]
    )
    first = found["labels"][0]
    assert first is not None and first.value == pytest.approx(expected)
    assert first.low > 0 and first.is_shown and first.share_above_zero == 1.0
    assert np.nansum(truth[:, 2]) < 20 and found["labels"][2] is None  # too few
    mean, second = found["mean"], found["labels"][1]
    assert mean is not None and second is not None
    assert mean.value == pytest.approx((first.value + second.value) / 2)  # without the rare label
    equal = evaluation.paired_difference(truth, worse, same, resamples=300)["mean"]
    assert equal is not None and not equal.is_shown and 0.02 < equal.share_above_zero < 0.98
    identical = evaluation.paired_difference(truth, worse, worse, resamples=50)["mean"]
    assert identical is not None and (identical.low, identical.high, identical.share_above_zero) == (
        0,
        0,
        0.5,
    )


def test_a_paired_difference_turns_its_sign_with_the_order_and_takes_weights() -> None:
    random = np.random.default_rng(9)
    truth = (random.random((600, 1)) < 0.3).astype(float)
    one, other = (truth + random.normal(0, 0.7, truth.shape) for _ in range(2))
    weights = random.random(600) + 0.1
    forth = evaluation.paired_difference(truth, one, other, weights, resamples=100)["labels"][0]
    back = evaluation.paired_difference(truth, other, one, weights, resamples=100)["labels"][0]
    assert forth is not None and back is not None
    assert (forth.value, forth.low, forth.high) == pytest.approx((-back.value, -back.high, -back.low))
    assert forth.value == pytest.approx(
        average_precision_score(truth, other, sample_weight=weights)
        - average_precision_score(truth, one, sample_weight=weights)
    )


def test_rows_are_drawn_in_blocks_that_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from toxicity_ml.evaluation import resampling

    weights = np.arange(1.0, 31.0)
    whole = np.concatenate(list(resampling.weightings(weights, 50, seed=1)))
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 7 * 30)
    blocks = list(resampling.weightings(weights, 50, seed=1))
    assert max(len(block) for block in blocks) == 7
    assert np.array_equal(np.concatenate(blocks), whole)
    assert whole.shape == (51, 30) and np.array_equal(whole[0], weights)
    assert np.all((whole / weights).sum(axis=1) == pytest.approx(30))


def test_recall_is_read_where_no_more_than_that_share_of_the_clean_rows_is_flagged() -> None:
    """Of 200 clean rows 2 score 0.9, 4 more 0.8, 4 more 0.7; of 100 true ones 30, 20 and 10 there."""
    clean = np.repeat([0.9, 0.8, 0.7, 0.1], [2, 4, 4, 190])
    true = np.repeat([0.9, 0.8, 0.7, 0.1], [30, 20, 10, 40])
    truth = np.repeat([False, True], [200, 100])
    found = evaluation.recall_at_false_positive_rates(truth, np.concatenate([clean, true]), resamples=50)
    assert [found[rate]["value"] for rate in ("0.01", "0.03", "0.05")] == [0.3, 0.5, 0.6]
    below = evaluation.recall_at_false_positive_rates(
        truth, np.concatenate([clean, true]), rates=(0.009, 0.029), resamples=0
    )
    assert [below[rate]["value"] for rate in ("0.009", "0.029")] == [0.0, 0.3]
    for rate in found:
        assert found[rate]["low"] <= found[rate]["value"] <= found[rate]["high"]
    weights = np.where(truth, 1.0, np.concatenate([[3.0] * 2, [1.0] * 298]))
    heavier = evaluation.recall_at_false_positive_rates(
        truth, np.concatenate([clean, true]), weights, rates=(0.03,), resamples=0
    )
    assert heavier["0.03"]["value"] == 0.3
    assert evaluation.recall_at_false_positive_rates(truth[:200], clean, resamples=0) == dict.fromkeys(
        ("0.01", "0.03", "0.05")
    )
