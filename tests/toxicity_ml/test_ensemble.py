"""What several versions say together, against the average written out."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from toxicity_ml.classifier import NO_TEXT_LOGIT, Classifier
from toxicity_ml.ensemble import Ensemble, averaged_probabilities, fit_weights
from toxicity_ml.errors import DataError


@dataclass
class Says:
    """A classifier that says the same of every text but the empty one, of which it says 0."""

    scores: dict[str, float]
    thresholds: dict[str, float]
    task: str = "multi_label"
    version: str = "says@1"

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.scores)

    def predict_array(self, texts: Sequence[str], *, progress: bool = False) -> np.ndarray:
        said = np.array(list(self.scores.values()), dtype=np.float32)
        return np.array([bool(text) for text in texts], dtype=np.float32)[:, np.newaxis] * said


FIRST = Says({"toxic": 0.9, "threat": 0.2}, {"toxic": 0.4, "threat": 0.3}, version="a@1")
SECOND = Says({"threat": 0.6, "toxic": 0.5}, {"threat": 0.5, "toxic": 0.8}, version="b@2")


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def test_probabilities_and_thresholds_are_averaged_by_name_with_weights() -> None:
    both = Ensemble([FIRST, SECOND], weights=[3, 1])
    assert both.predict("x") == pytest.approx({"toxic": 0.8, "threat": 0.3})
    assert both.thresholds == pytest.approx({"toxic": 0.5, "threat": 0.35})
    assert both.labels_over_threshold(both.predict("x")) == ["toxic"]
    assert (both.version, both.labels, both.task) == ("a@1+b@2", ("toxic", "threat"), "multi_label")


def test_logits_are_averaged_as_calibrated_log_odds() -> None:
    both = Ensemble([FIRST, SECOND], average="logits")
    expected = {
        "toxic": sigmoid((logit(0.9) + logit(0.5)) / 2),
        "threat": sigmoid((logit(0.2) + logit(0.6)) / 2),
    }
    assert both.predict("x") == pytest.approx(expected, abs=1e-6)
    assert both.thresholds["toxic"] == pytest.approx(sigmoid((logit(0.4) + logit(0.8)) / 2))
    assert both.logits(["x"])[0] == pytest.approx([logit(value) for value in expected.values()], abs=1e-5)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_a_text_at_every_threshold_is_at_the_ensembles(average: str) -> None:
    members = [
        Says(dict(FIRST.thresholds), FIRST.thresholds),
        Says(dict(SECOND.thresholds), SECOND.thresholds),
    ]
    both = Ensemble(members, average, [0.3, 0.7])  # type: ignore[arg-type]
    assert both.predict("x") == pytest.approx(both.thresholds, abs=1e-6)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_single_label_scores_still_sum_to_one(average: str) -> None:
    classes = ({"neg": 0.9, "pos": 0.1}, {"pos": 0.4, "neg": 0.6})
    members = [Says(scores, dict.fromkeys(scores, 0.5), "single_label") for scores in classes]
    both = Ensemble(members, average)  # type: ignore[arg-type]
    expected = 0.75 if average == "probabilities" else sigmoid((logit(0.9) + logit(0.6)) / 2)
    assert both.predict("x") == pytest.approx({"neg": expected, "pos": 1 - expected}, abs=1e-6)
    assert np.exp(both.logits(["x"])).sum() == pytest.approx(1.0, abs=1e-6)
    assert both.labels_over_threshold(both.predict("x")) == ["neg"]
    unread = Ensemble([Says({"neg": 0.5, "pos": 0.5}, {"neg": 0.5, "pos": 0.5}, "single_label")])
    assert unread.labels_over_threshold(unread.predict("x")) == []
    assert (unread.logits(["x"]) == NO_TEXT_LOGIT).all()


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_a_text_without_a_token_is_zero_and_certainty_stays_finite(average: str) -> None:
    sure = Says({"toxic": 1.0, "threat": 0.0}, {"toxic": 0.5, "threat": 0.5})
    both = Ensemble([sure, SECOND], average)  # type: ignore[arg-type]
    assert both.predict_array(["", "x"])[0].tolist() == [0.0, 0.0]
    assert (both.logits([""]) == NO_TEXT_LOGIT).all()
    assert np.isfinite(both.logits(["x"])).all()
    assert 0.0 < both.predict("x")["threat"] < 0.6 or average == "probabilities"
    assert both.predict_array([]).shape == both.logits([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("members", "options", "message"),
    [
        ([], {}, "at least one"),
        (
            [FIRST, Says({"toxic": 0.1, "rude": 0.1}, {"toxic": 1, "rude": 1})],
            {},
            "has rude; it lacks threat",
        ),
        ([FIRST, Says(FIRST.scores, FIRST.thresholds, "single_label")], {}, "single_label"),
        ([FIRST, SECOND], {"average": "votes"}, "probabilities, logits"),
        ([FIRST, SECOND], {"weights": [1.0]}, "2 weights"),
        ([FIRST, SECOND], {"weights": [1.0, -1.0]}, "from 0 on"),
        ([FIRST, SECOND], {"weights": [0.0, 0.0]}, "not all of them 0"),
        ([FIRST, SECOND], {"weights": [float("nan"), 1.0]}, "from 0 on"),
    ],
)
def test_what_does_not_fit_is_named(members: list[Says], options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        Ensemble(members, **options)  # type: ignore[arg-type]


def test_loaded_versions_average_to_what_they_say_alone(tiny_version: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_version, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["calibration"]["toxic"] = {"slope": 0.5, "intercept": -1.0}
    manifest |= {"canned": [], "version": "2"}
    (other / "manifest.json").write_text(json.dumps(manifest))
    texts = ["you idiot", "nice day", "kill", ""]
    both = Ensemble.load([tiny_version, other], threads=1)
    alone = [Classifier.load(path, threads=1).predict_array(texts) for path in (tiny_version, other)]
    assert not np.allclose(alone[0], alone[1])
    assert both.predict_array(texts) == pytest.approx((alone[0] + alone[1]) / 2, abs=1e-6)
    assert both.version == "tiny@1+tiny@2"
    one = Ensemble.load([tiny_version], threads=1)
    assert one.predict_array(texts) == pytest.approx(alone[0], abs=1e-6)


def members_of_known_worth(n_texts: int = 600) -> tuple[np.ndarray, np.ndarray]:
    """Two members whose errors cancel, one that knows nothing, and the truth (some of it not looked at)."""
    generator = np.random.default_rng(5)
    truth = (generator.random((n_texts, 2)) < 0.4).astype(float)
    signal, noise = 3.0 * truth - 1.5, generator.normal(0, 2.0, truth.shape)
    logits = np.stack([signal + noise, signal - noise, generator.normal(0, 2.0, truth.shape)])
    truth[::7, 1] = np.nan
    return 1 / (1 + np.exp(-logits)), truth


def loss(probabilities: np.ndarray, truth: np.ndarray) -> float:
    known = ~np.isnan(truth)
    p, y = probabilities[known].astype(float), truth[known]
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())


def test_fitted_weights_take_members_that_help_and_leave_one_that_harms() -> None:
    members, truth = members_of_known_worth()
    weights = fit_weights(members, truth, average="logits")
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] == 0.0 and min(weights[:2]) > 0.4
    fitted = loss(averaged_probabilities(members, weights, "logits"), truth)
    assert fitted < min(loss(member, truth) for member in members)
    assert fitted < loss(averaged_probabilities(members, None, "logits"), truth)


def test_row_weights_decide_whom_to_trust() -> None:
    truth = np.array([[1.0], [1.0]])
    members = np.array([[[0.9], [0.2]], [[0.2], [0.9]]])
    assert fit_weights(members, truth, row_weights=np.array([1.0, 0.0])).tolist() == [1.0, 0.0]
    assert fit_weights(members, truth, row_weights=np.array([0.0, 1.0])).tolist() == [0.0, 1.0]


def test_single_label_weights_use_cross_entropy() -> None:
    truth = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    right, wrong = 0.8 * truth + 0.1 * (1 - truth), np.full((2, 3), 1 / 3)
    assert fit_weights(np.stack([wrong, right]), truth, task="single_label").tolist() == [0.0, 1.0]


def test_weights_need_rows_that_fit() -> None:
    members, truth = members_of_known_worth(10)
    with pytest.raises(DataError, match="must be"):
        fit_weights(members[:, :5], truth)
    with pytest.raises(DataError, match="one number for each text"):
        fit_weights(members, truth, row_weights=np.ones(3))
    with pytest.raises(DataError, match="not NaN"):
        fit_weights(members, np.full_like(truth, np.nan))
