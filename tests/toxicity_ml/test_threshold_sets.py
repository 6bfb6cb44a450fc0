"""Named sets of thresholds: how they are chosen, and what a manifest takes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from toxicity_ml import evaluation
from toxicity_ml.corpora import from_rows
from toxicity_ml.errors import ModelDamaged
from toxicity_ml.labels import JIGSAW_LABELS
from toxicity_ml.manifest import Manifest
from toxicity_ml.publishing.publish import calibrated, publish_version, recalibrate
from toxicity_ml.publishing.threshold_sets import BETAS, LENIENT, STRICT, set_rates, threshold_sets

LABELS = ("toxic", "threat")
GENERATOR_SEED = 5


def draft(thresholds: dict[str, float], sets: dict[str, dict[str, float]] | None = None) -> Manifest:
    return Manifest(
        name="made",
        version="1",
        base_model="none",
        labels=LABELS,
        max_length=192,
        stride=128,
        thresholds=thresholds,
        calibration={label: {"slope": 1.0, "intercept": 0.0} for label in LABELS},
        threshold_sets=sets or {},
    )


def rows(count: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Calibrated scores of two labels, what is true of them, and even weights."""
    chance = np.random.default_rng(GENERATOR_SEED)
    scores = chance.beta(0.3, 2.0, (count, 2))
    return scores, (chance.random((count, 2)) < scores).astype(float), np.ones(count)


def test_the_strict_set_flags_more_and_the_lenient_one_less() -> None:
    scores, targets, weights = rows()
    default = {
        label: round(evaluation.best_threshold(scores[:, index], weights), 4)
        for index, label in enumerate(LABELS)
    }
    sets = threshold_sets(draft(default), scores, targets, weights)
    assert set(sets) == set(BETAS) and sets["balanced"] == default
    for label in LABELS:
        assert sets["strict"][label] < sets["balanced"][label] < sets["lenient"][label]


def test_the_strict_set_has_the_greatest_expected_f2() -> None:
    scores, targets, weights = rows()
    sets = threshold_sets(draft(dict.fromkeys(LABELS, 0.5)), scores, targets, weights)

    def expected_f2(threshold: float) -> float:
        flagged = scores[:, 0] >= threshold
        return float(5 * scores[flagged, 0].sum() / (flagged.sum() + 4 * scores[:, 0].sum()))

    best = max(expected_f2(threshold) for threshold in np.linspace(0.05, 0.95, 91))
    assert expected_f2(sets["strict"]["toxic"]) == pytest.approx(best, abs=1e-3)


def test_a_label_with_too_few_rows_keeps_what_was_there() -> None:
    scores, targets, weights = rows()
    targets[:, 1] = np.nan
    targets[:5, 1] = 1.0
    default = {"toxic": 0.4, "threat": 0.7}
    alone = threshold_sets(draft(default), scores, targets, weights)
    assert {name: numbers["threat"] for name, numbers in alone.items()} == dict.fromkeys(BETAS, 0.7)
    earlier = draft(default, {STRICT: {"toxic": 0.1, "threat": 0.6}, LENIENT: {"toxic": 0.9, "threat": 0.8}})
    kept = threshold_sets(draft(default), scores, targets, weights, inherit=earlier)
    assert (kept[STRICT]["threat"], kept["balanced"]["threat"], kept[LENIENT]["threat"]) == (0.6, 0.7, 0.8)


def test_rates_are_those_of_the_rows() -> None:
    scores = np.array([[0.9, 0.1], [0.6, 0.1], [0.4, 0.1], [0.1, 0.1]])
    targets = np.array([[1.0, np.nan], [0.0, np.nan], [1.0, np.nan], [0.0, np.nan]])
    manifest = draft(dict.fromkeys(LABELS, 0.5), {STRICT: {"toxic": 0.5, "threat": 0.5}})
    rates = set_rates(manifest, scores, targets, np.array([1.0, 1.0, 1.0, 3.0]))[STRICT]
    assert rates["toxic"] == {"recall": 0.5, "precision": 0.5, "false_positive_rate": 0.25}
    assert rates["threat"] == {"recall": None, "precision": None, "false_positive_rate": None}


def test_default_thresholds_are_those_of_the_greatest_expected_f_beta() -> None:
    scores, targets, weights = rows()
    logits = np.log(scores / (1 - scores))
    one, more = (
        calibrated(draft(dict.fromkeys(LABELS, 0.5)), logits, targets, weights, betas=betas)
        for betas in (None, {"toxic": 1.3})
    )
    fit = more.calibration["toxic"]
    probabilities = evaluation.sigmoid(fit["slope"] * logits[:, 0] + fit["intercept"])
    best = evaluation.best_threshold(probabilities, weights, beta=1.3)
    assert more.thresholds["toxic"] == pytest.approx(best, abs=1e-4)
    assert more.thresholds["toxic"] < one.thresholds["toxic"]
    assert more.thresholds["threat"] == one.thresholds["threat"]


def test_a_published_version_has_its_sets_and_a_recalibrated_one_others(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    def validation(toxic: int, clear: int) -> object:
        bad = [
            {"text": f"you are a idiot {number}", "labels": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]}
            for number in range(toxic)
        ]
        return from_rows(
            bad + [{"text": f"nice day {number}", "labels": [0.0] * 6} for number in range(clear)]
        )

    made = publish_version(
        tiny_checkpoint,
        tmp_path / "made",
        name="tiny",
        version="1",
        validation=validation(40, 60),
        base_model="random",
        parity_texts=["a nice day", "you are an idiot", "see you tomorrow"],
    )
    assert made.metrics["int8_parity"]["texts"] == 3
    assert set(made.threshold_sets) == set(BETAS)
    assert made.threshold_sets["balanced"] == made.thresholds
    assert made.metrics["threshold_sets"]["strict"]["toxic"]["recall"] > 0.9
    assert Manifest.load(tmp_path / "made").threshold_sets == made.threshold_sets
    again = recalibrate(tmp_path / "made", tmp_path / "again", version="2", validation=validation(24, 300))
    assert again.threshold_sets["balanced"] == again.thresholds
    kept = publish_version(
        tiny_checkpoint,
        tmp_path / "kept",
        name="tiny",
        version="3",
        validation=validation(30, 30),
        base_model="random",
        inherit=made,
        keep_calibration=True,
    )
    assert kept.threshold_sets == made.threshold_sets


@pytest.mark.parametrize(
    "sets",
    [
        {"strict": {"toxic": 0.2}},
        {"strict": {**dict.fromkeys(JIGSAW_LABELS, 0.2), "toxic": 1.2}},
        {"strict": {**dict.fromkeys(JIGSAW_LABELS, 0.2), "toxic": "0.2"}},
        {"strict": 0.2},
        ["strict"],
    ],
)
def test_a_manifest_with_half_a_set_is_damaged(tiny_version: Path, tmp_path: Path, sets: object) -> None:
    directory = tmp_path / "version"
    shutil.copytree(tiny_version, directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps({**manifest, "threshold_sets": sets}))
    with pytest.raises(ModelDamaged, match="threshold_sets"):
        Manifest.load(directory)
