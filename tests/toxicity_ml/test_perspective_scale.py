"""Maps onto Perspective's scale: fitted to quantiles and to pairs, kept in a manifest, carried over."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toxicity_ml.activations import sigmoid
from toxicity_ml.classifier import PRETRAINED
from toxicity_ml.errors import DataError, ModelDamaged
from toxicity_ml.manifest import VERSION_FILES, Manifest
from toxicity_ml.perspective.scale import MIN_ROWS, Knots, Scale, fit_to_pairs, fit_to_quantiles
from toxicity_ml.publishing.scaling import moved_scale, with_scale

QUANTILES = np.round(np.arange(0.005, 1, 0.005), 3)
shares = st.floats(0, 1)
scores = st.lists(shares, min_size=100, max_size=400)


def mapped(knots: Knots, values: np.ndarray) -> np.ndarray:
    scale = Scale({"toxic": knots})
    return np.array([scale.of("toxic", float(value)) for value in values])


def rises_from_corner_to_corner(knots: Knots) -> bool:
    """True: the points rise strictly in both numbers from (0, 0) to (1, 1)."""
    steps = pairwise(knots)
    return (
        knots[0] == (0, 0)
        and knots[-1] == (1, 1)
        and all(left[0] < right[0] and left[1] < right[1] for left, right in steps)
    )


# --- quantiles ---------------------------------------------------------------------------------------


def test_equal_shares_lie_over_each_score_of_theirs() -> None:
    rng = np.random.default_rng(1)
    fitted, fresh = sigmoid(rng.normal(-6, 2.5, 20_000)), sigmoid(rng.normal(-6, 2.5, 20_000))
    sample = sigmoid(rng.normal(-2, 1.5, 2_000))
    theirs = np.quantile(sample, QUANTILES)
    knots = fit_to_quantiles(fitted, QUANTILES, theirs, comments=2_000)
    for threshold in (0.3, 0.5, 0.7):
        share = (sample > threshold).mean()
        assert (mapped(knots, fresh) > threshold).mean() == pytest.approx(share, rel=0.1)


def test_weighted_comments_stand_for_as_many() -> None:
    rng = np.random.default_rng(2)
    common, rare = rng.beta(1, 20, 3_000), rng.beta(8, 2, 1_000)
    theirs = np.quantile(np.concatenate([rng.beta(2, 10, 1_900), rng.beta(9, 2, 100)]), QUANTILES)
    weights = np.concatenate([np.full(3_000, 0.95 / 3_000), np.full(1_000, 0.05 / 1_000)])
    by_weight = fit_to_quantiles(
        np.concatenate([common, rare]), QUANTILES, theirs, comments=2_000, weights=weights
    )
    drawn = np.concatenate([rng.beta(1, 20, 19_000), rng.beta(8, 2, 1_000)])
    assert (mapped(by_weight, drawn) > 0.7).mean() == pytest.approx((theirs > 0.7).mean(), rel=0.15)
    as_if_natural = fit_to_quantiles(np.concatenate([common, rare]), QUANTILES, theirs, comments=2_000)
    assert (mapped(as_if_natural, drawn) > 0.7).mean() < 0.5 * (theirs > 0.7).mean()


def test_where_few_comments_lie_no_knot_is_set() -> None:
    ours = np.linspace(0.01, 0.99, 1_000)
    theirs = np.linspace(0.01, 0.99, len(QUANTILES))
    many = fit_to_quantiles(ours, QUANTILES, theirs, comments=100_000)
    few = fit_to_quantiles(ours, QUANTILES, theirs, comments=100)
    # over the highest knot lie half of MIN_ROWS comments of the fewer of both
    assert (ours > many[-2][0]).sum() >= MIN_ROWS / 2
    assert 1 - np.interp(few[-2][1], theirs, QUANTILES) == pytest.approx(MIN_ROWS / 2 / 100, abs=0.005)
    assert many[-2][0] > few[-2][0]


def test_one_comment_with_an_extreme_score_moves_nothing_far_away() -> None:
    rng = np.random.default_rng(3)
    ours = rng.beta(1, 30, 2_000)
    theirs = np.quantile(rng.beta(1, 5, 2_000), QUANTILES)
    before = fit_to_quantiles(ours, QUANTILES, theirs, comments=2_000)
    after = fit_to_quantiles(np.append(ours, 0.999), QUANTILES, theirs, comments=2_000)
    places = np.linspace(0, 0.1, 50)
    assert np.abs(mapped(before, places) - mapped(after, places)).max() < 0.01


@given(scores, st.lists(shares, min_size=2, max_size=50), st.integers(100, 5_000))
def test_any_distributions_give_a_map_that_keeps_the_order(
    ours: list[float], levels: list[float], comments: int
) -> None:
    theirs = np.sort(levels)
    knots = fit_to_quantiles(ours, np.linspace(0.01, 0.99, len(theirs)), theirs, comments=comments)
    assert rises_from_corner_to_corner(knots)
    assert Scale.from_json(json.loads(json.dumps(Scale({"toxic": knots}).to_json()))).maps["toxic"] == knots
    values = mapped(knots, np.sort(ours))
    assert ((values >= 0) & (values <= 1)).all() and (np.diff(values) >= 0).all()


# --- pairs -------------------------------------------------------------------------------------------


def test_what_perspective_said_of_the_same_comments_is_learned() -> None:
    rng = np.random.default_rng(4)
    ours = rng.beta(0.5, 3, 4_000)
    truth = np.sqrt(ours)
    knots = fit_to_pairs(ours, np.clip(truth + rng.normal(0, 0.1, 4_000), 0, 1))
    places = np.linspace(0.05, 0.6, 20)
    assert np.abs(mapped(knots, places) - np.sqrt(places)).max() < 0.05


def test_where_theirs_fall_as_ours_rise_they_are_pooled() -> None:
    ours = np.linspace(0.001, 0.999, 1_000)
    knots = fit_to_pairs(ours, 1 - ours)
    assert rises_from_corner_to_corner(knots)
    assert np.abs(mapped(knots, np.array([0.2, 0.5, 0.8])) - 0.5).max() < 0.01


def test_the_pooled_values_are_those_of_scikit_learn() -> None:
    from sklearn.isotonic import isotonic_regression

    from toxicity_ml.perspective.scale import _isotonic

    rng = np.random.default_rng(5)
    values, weights = rng.random(200), rng.random(200) + 0.1
    expected = isotonic_regression(values, sample_weight=weights)
    assert _isotonic(values.tolist(), weights.tolist()) == pytest.approx(expected)


@given(st.lists(st.tuples(shares, shares), min_size=100, max_size=300))
def test_any_pairs_give_a_map_that_keeps_the_order(pairs: list[tuple[float, float]]) -> None:
    ours, theirs = np.array(pairs).T
    assert rises_from_corner_to_corner(fit_to_pairs(ours, theirs))


# --- refusals ----------------------------------------------------------------------------------------

MANY = np.linspace(0, 1, 200)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ours": MANY[:99]}, "99 comments are too few"),
        ({"comments": 99}, "99 comments are too few"),
        ({"ours": [*MANY, 1.1]}, "ours must be numbers from 0 to 1"),
        ({"ours": [*MANY, float("nan")]}, "ours must be numbers from 0 to 1"),
        ({"ours": ["high"] * 200}, "ours are not all numbers"),
        ({"quantiles": [0.5, 0.5]}, "rise together"),
        ({"quantiles": [0.5]}, "rise together"),
        ({"theirs": [0.9, 0.2]}, "rise together"),
        ({"weights": np.zeros(200)}, "weights must be"),
        ({"weights": np.full(200, -1.0)}, "weights must be"),
        ({"weights": [1.0]}, "weights must be"),
    ],
)
def test_what_can_not_be_fitted_is_refused(changed: dict[str, Any], message: str) -> None:
    given = {"ours": MANY, "quantiles": [0.5, 0.9], "theirs": [0.2, 0.9], "comments": 1_000, **changed}
    with pytest.raises(DataError, match=message):
        fit_to_quantiles(**given)


def test_pairs_that_are_none_are_refused() -> None:
    with pytest.raises(DataError, match="must be as many"):
        fit_to_pairs(MANY, MANY[1:])
    with pytest.raises(DataError, match="too few"):
        fit_to_pairs(MANY[:50], MANY[:50])


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "map",
        {"toxic": None},
        {"toxic": "0011"},
        {"toxic": [[0, 0]]},
        {"toxic": [[0, 0], [1, 0.9]]},
        {"toxic": [[0, 0.1], [1, 1]]},
        {"toxic": [[0, 0], [0.5, 0.6], [0.5, 0.7], [1, 1]]},
        {"toxic": [[0, 0], [0.5, 0.6], [0.6, 0.6], [1, 1]]},
        {"toxic": [[0, 0], [0.5, 1.2], [1, 1]]},
        {"toxic": [[0, 0], [0.5, float("nan")], [1, 1]]},
        {"toxic": [[0, 0], [0.5, "0.6"], [1, 1]]},
        {"toxic": [[0, 0], [0.5], [1, 1]]},
        {"toxic": [[False, 0], [1, 1]]},
        {"toxic": [[0, 0], *([step / 2_000, step / 2_000] for step in range(1, 2_000)), [1, 1]]},
    ],
)
def test_json_that_is_no_scale_is_refused(content: object) -> None:
    with pytest.raises(DataError, match="scale"):
        Scale.from_json(content)


# --- in use ------------------------------------------------------------------------------------------


def test_a_label_without_a_map_keeps_its_score() -> None:
    scale = Scale.from_json({"toxic": [[0, 0], [0.2, 0.8], [1, 1]]})
    assert scale.apply({"toxic": 0.1, "insult": 0.1}) == {"toxic": pytest.approx(0.4), "insult": 0.1}
    assert list(scale.functions()) == ["toxic"]
    assert scale.functions()["toxic"](0.6) == pytest.approx(0.9)
    assert [scale.of("toxic", score) for score in (0.0, 0.2, 1.0, -1.0, 2.0)] == [0.0, 0.8, 1.0, 0.0, 1.0]


def test_the_packaged_version_has_a_map_for_each_label_and_names_its_language() -> None:
    manifest = Manifest.load(PRETRAINED)
    scale = Scale.from_json(manifest.perspective_scale)
    assert set(scale.maps) == set(manifest.labels)
    assert manifest.languages == ("en",)
    # Perspective's scores lie higher than a probability that most would say so
    for label in manifest.labels:
        assert scale.of(label, manifest.thresholds[label]) > manifest.thresholds[label]


# --- in a version ------------------------------------------------------------------------------------

MAP = [[0.0, 0.0], [0.3, 0.7], [1.0, 1.0]]


def test_a_version_with_another_scale_is_the_same_network(tiny_version: Path, tmp_path: Path) -> None:
    before = Manifest.load(tiny_version)
    after = with_scale(
        tiny_version, tmp_path / "out", version="2", scale={"toxic": MAP}, languages=["de", "en"]
    )
    assert after == Manifest.load(tmp_path / "out")
    assert (after.name, after.version) == (before.name, "2")
    assert after.perspective_scale == {"toxic": MAP}
    assert (before.languages, after.languages) == (("en",), ("de", "en"))
    assert after.training["scaled_from"] == [f"{before.name}@{before.version}"]
    assert (after.calibration, after.thresholds, after.canned) == (
        before.calibration,
        before.thresholds,
        before.canned,
    )
    for name in VERSION_FILES:
        assert (tmp_path / "out" / name).read_bytes() == (tiny_version / name).read_bytes()
    with_scale(tmp_path / "out", tmp_path / "next", version="3", scale={})
    after = Manifest.load(tmp_path / "next")
    assert (after.perspective_scale, after.languages) == ({}, ("de", "en"))
    assert after.training["scaled_from"] == [f"{before.name}@{before.version}", f"{before.name}@2"]


def test_a_version_is_not_given_a_scale_in_place(tiny_version: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="name the new one otherwise"):
        with_scale(tiny_version, tmp_path / "out", version="1", scale={"toxic": MAP})
    with pytest.raises(DataError, match="exists"):
        with_scale(tiny_version, tiny_version, version="2", scale={"toxic": MAP})
    with pytest.raises(ModelDamaged, match="perspective_scale"):
        with_scale(tiny_version, tmp_path / "out", version="2", scale={"politeness": MAP})
    assert not (tmp_path / "out").exists()


def test_after_another_calibration_a_text_keeps_its_place_on_the_scale(tiny_version: Path) -> None:
    before = replace(Manifest.load(tiny_version), perspective_scale={"toxic": MAP})
    new = {"slope": 0.7, "intercept": 0.4}
    after = replace(before, calibration={**before.calibration, "toxic": new})
    moved = Scale.from_json(moved_scale(before, after))
    old = before.calibration["toxic"]
    logit = (np.log(0.3 / 0.7) - old["intercept"]) / old["slope"]
    score = float(sigmoid(np.array(new["slope"] * logit + new["intercept"])))
    assert score != pytest.approx(0.3, abs=0.01)
    assert moved.of("toxic", score) == pytest.approx(0.7, abs=1e-4)
