"""Curves, reliability, flags, subgroups, classes: against scikit-learn, by hand, with known parameters."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, roc_auc_score, roc_curve

from toxicity_ml import evaluation

NAN = float("nan")


@pytest.fixture
def calibrated() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, the probabilities that it was drawn by, and weights."""
    random = np.random.default_rng(0)
    logits = random.normal(-2, 2, 2000)
    probabilities = evaluation.sigmoid(logits)
    return random.random(2000) < probabilities, probabilities, random.random(2000) + 0.1


def test_each_curve_passes_through_the_point_of_every_threshold(calibrated: tuple[np.ndarray, ...]) -> None:
    truth, scores, weights = calibrated
    found = evaluation.curves(truth, scores, weights, resamples=30)
    for at in (5, 20, 35):
        threshold = found["f1"].x[at]
        over = scores >= threshold
        true, flagged = (weights * (over & truth)).sum(), (weights * over).sum()
        assert found["precision"].y[at] == pytest.approx(true / flagged)
        assert found["recall"].y[at] == pytest.approx(true / (weights * truth).sum())
        assert found["f1"].y[at] == pytest.approx(f1_score(truth, over, sample_weight=weights))
    rates, recalls, _ = roc_curve(truth, scores, sample_weight=weights, drop_intermediate=False)
    for rate, recall in zip(found["roc"].x, found["roc"].y, strict=True):
        assert recall == pytest.approx(recalls[rates <= rate + 1e-9].max())
    for recall, precision in zip(found["precision_recall"].x, found["precision_recall"].y, strict=True):
        first = np.flatnonzero(recalls >= recall - 1e-9)
        best = next(at for at in first if rates[at] > 0 or recalls[at] > 0)
        true = recalls[best] * (weights * truth).sum()
        assert precision == pytest.approx(true / (true + rates[best] * (weights * ~truth).sum()))


def test_bands_hold_the_curve_and_narrow_with_more_rows(calibrated: tuple[np.ndarray, ...]) -> None:
    truth, scores, _ = calibrated
    wide = evaluation.curves(truth[:300], scores[:300], resamples=200)["precision_recall"]
    narrow = evaluation.curves(truth, scores, resamples=200)["precision_recall"]
    middle = slice(15, 40)
    assert (narrow.low[middle] <= narrow.y[middle]).all() and (narrow.y[middle] <= narrow.high[middle]).all()
    assert (narrow.high - narrow.low)[middle].mean() < 0.7 * (wide.high - wide.low)[middle].mean()
    assert narrow.as_json()["y"][20] == pytest.approx(narrow.y[20], abs=1e-4)


def test_a_curve_without_positives_is_undefined_and_not_zero() -> None:
    found = evaluation.curves(np.zeros(30, dtype=bool), np.linspace(0, 1, 30), resamples=5)
    assert found["precision_recall"].as_json()["y"] == [None] * 51
    assert set(found["roc"].as_json()["high"]) == {None}


def test_calibrated_scores_have_slope_one_and_overconfident_ones_less(
    calibrated: tuple[np.ndarray, ...],
) -> None:
    truth, scores, _ = calibrated
    good = evaluation.reliability(scores, truth, resamples=200)
    assert good["slope"]["low"] < 1 < good["slope"]["high"]
    assert good["intercept"]["low"] < 0 < good["intercept"]["high"]
    assert good["predicted_over_observed"]["low"] < 1 < good["predicted_over_observed"]["high"]
    assert good["ece_over_0.05"]["value"] < 0.04 and good["brier_skill"]["low"] > 0.2
    logits = np.log(scores / (1 - scores))
    loud = evaluation.reliability(evaluation.sigmoid(2 * logits + 1), truth, resamples=200)
    assert loud["slope"]["high"] < 0.6 and loud["intercept"]["high"] < 0
    assert loud["ece_over_0.05"]["low"] > good["ece_over_0.05"]["high"]
    assert loud["predicted_over_observed"]["low"] > 1


def test_slope_and_intercept_equal_an_unpenalised_logistic_regression(
    calibrated: tuple[np.ndarray, ...],
) -> None:
    truth, scores, weights = calibrated
    clipped = np.clip(np.log(scores / (1 - scores)), -12, 12)
    model = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000)
    model.fit(clipped[:, None], truth, sample_weight=weights)
    found = evaluation.reliability(scores, truth, weights, resamples=10)
    assert found["slope"]["value"] == pytest.approx(model.coef_[0, 0], abs=1e-4)
    assert found["intercept"]["value"] == pytest.approx(model.intercept_[0], abs=1e-4)


def test_every_row_is_in_one_bin_and_the_first_holds_the_scores_under_a_twentieth() -> None:
    scores = np.array([0.0, 0.01, 0.04, 0.05, 0.5, 1.0])
    found = evaluation.reliability(scores, scores >= 0.5, resamples=20)
    assert sum(entry["rows"] for entry in found["bins"]) == 6
    assert found["bins"][0]["rows"] == 3 and found["bins"][0]["predicted"] == pytest.approx(0.05 / 3)
    alone = evaluation.reliability(scores, np.zeros(6, dtype=bool), resamples=20)
    assert alone["slope"] is None and alone["brier_skill"] is None  # never a figure without positives


TARGETS = np.array([[1, 0]] * 20 + [[1, 1]] * 20 + [[0, 0]] * 60 + [[0, NAN]] * 10, dtype=float)
FLAGGED = np.zeros((110, 2), dtype=bool)
FLAGGED[:10, 0] = FLAGGED[20:25, 1] = FLAGGED[40:46, 1] = FLAGGED[100:, 0] = True


def test_confusion_counts_by_hand() -> None:
    found = evaluation.confusion(FLAGGED, TARGETS, ["a", "b"])
    assert found["a"] == {"tp": 10, "fp": 10, "fn": 30, "tn": 60}
    assert found["b"] == {"tp": 5, "fp": 6, "fn": 15, "tn": 74}


def test_what_is_flagged_for_what_by_hand() -> None:
    found = evaluation.cooccurrence(FLAGGED, TARGETS, ["a", "b"], resamples=100)
    assert found["a"]["rows"] == 40 and found["none"]["rows"] == 60  # masked rows are neither
    assert found["a"]["flagged"]["a"]["value"] == pytest.approx(10 / 40)
    assert found["a"]["flagged"]["b"]["value"] == pytest.approx(5 / 40)
    assert found["a"]["flagged"]["none"]["value"] == pytest.approx(25 / 40)
    assert found["none"]["flagged"]["b"]["value"] == pytest.approx(6 / 60)
    few = evaluation.cooccurrence(FLAGGED, TARGETS[:, ::-1] * [1, 0], ["b", "a"], resamples=5)
    assert few["a"] == {"rows": 0, "too_few": True, "flagged": {"b": None, "a": None, "none": None}}


def test_what_a_site_feels_by_hand_and_weighted() -> None:
    found = evaluation.site_view(FLAGGED, TARGETS, ["a", "b"], resamples=100)
    assert (found["rows"], found["positives"]) == (100, 40)
    assert found["flags_per_1000"]["value"] == pytest.approx(210)
    assert found["false_flags_per_1000"]["value"] == pytest.approx(60)
    assert found["missed_per_1000"]["value"] == pytest.approx(250)
    assert found["precision"]["value"] == pytest.approx(15 / 21)
    assert found["recall"]["value"] == pytest.approx(15 / 40)
    assert found["recall"]["low"] < 15 / 40 < found["recall"]["high"]
    assert found["flags_per_1000_by_label"]["b"]["value"] == pytest.approx(110)
    weights = np.where(np.arange(110) < 40, 0.5, 1.0)
    weighted = evaluation.site_view(FLAGGED, TARGETS, ["a", "b"], weights, resamples=10)
    assert weighted["flags_per_1000"]["value"] == pytest.approx(1000 * (7.5 + 6) / 80)
    few = evaluation.site_view(FLAGGED[25:], TARGETS[25:], ["a", "b"], resamples=10)
    assert few["too_few"] and few["recall"] is None and few["flags_per_1000"] is not None


def test_a_model_that_flags_a_group_for_being_named_has_a_low_bpsn_auc() -> None:
    random = np.random.default_rng(4)
    truth, mentions = random.random(4000) < 0.3, random.random(4000) < 0.2
    fair = truth + random.normal(0, 0.6, 4000)
    biased = fair + 1.0 * mentions
    before = evaluation.bias_aucs(truth, fair, mentions, resamples=100)
    after = evaluation.bias_aucs(truth, biased, mentions, resamples=100)
    assert after["subgroup_auc"]["value"] == pytest.approx(before["subgroup_auc"]["value"])
    assert after["bpsn_auc"]["high"] < before["bpsn_auc"]["low"]
    assert after["bnsp_auc"]["low"] > before["bnsp_auc"]["high"]
    chosen = (mentions & ~truth) | (~mentions & truth)
    assert after["bpsn_auc"]["value"] == pytest.approx(roc_auc_score(truth[chosen], biased[chosen]))


def test_a_group_that_is_hardly_mentioned_has_no_figure() -> None:
    truth = np.arange(400) % 4 == 0
    mentions = np.arange(400) < 60  # 15 toxic mentions, 45 others
    found = evaluation.bias_aucs(truth, np.linspace(0, 1, 400), mentions, resamples=10)
    assert found["positives"] == 15 and not found["too_few"]
    assert found["subgroup_auc"] is None and found["bnsp_auc"] is None and found["bpsn_auc"] is not None
    none = evaluation.bias_aucs(truth, np.linspace(0, 1, 400), mentions & (np.arange(400) < 9), resamples=10)
    assert none["too_few"] and none["bpsn_auc"] is None


def test_single_label_figures_equal_scikit_learn() -> None:
    random = np.random.default_rng(8)
    true = random.integers(0, 3, 500)
    logits = random.normal(0, 1, (500, 3)) + 1.5 * np.eye(3)[true]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.eye(3)[true]
    targets[:7] = NAN
    names = ["bad", "fair", "good"]
    found = evaluation.evaluate_classes(scores, targets, names, resamples=100)
    kept, predicted = true[7:], scores.argmax(axis=1)[7:]
    assert found["rows"] == 493 and found["labels"]["fair"]["threshold"] is None
    assert found["accuracy"]["value"] == pytest.approx(accuracy_score(kept, predicted))
    assert found["accuracy"]["low"] < found["accuracy"]["value"] < found["accuracy"]["high"]
    assert found["macro"]["f1"] == pytest.approx(f1_score(kept, predicted, average="macro"))
    expected = confusion_matrix(kept, predicted)
    assert [[found["confusion_counts"][a][b] for b in names] for a in names] == expected.tolist()
    assert found["confusion"]["bad"]["predicted"]["good"]["value"] == pytest.approx(
        expected[0, 2] / expected[0].sum()
    )
