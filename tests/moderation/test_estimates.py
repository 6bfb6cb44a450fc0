"""Precision and recall of a site from reviewed items; how often the intervals hold, a benchmark says."""

import math
from typing import Any

import numpy as np
import pytest

from moderation.review import statistics
from moderation.review.statistics import ANY, Estimate, Sample, figures, precision_and_recall, shares_by_band

NAN = math.nan


def sample(flagged: int, randoms: int, rate: float = 0.01, **changes: Any) -> Sample:
    """Flagged items that all were reviewed, and random ones drawn at `rate`."""
    probabilities = [1.0] * flagged + [rate] * randoms
    given = {
        "probabilities": probabilities,
        "reached": probabilities,
        "is_random": [False] * flagged + [True] * randoms,
        "text_keys": [str(number) for number in range(flagged + randoms)],
    }
    return Sample(**{**given, **changes})


def test_each_item_counts_for_as_many_comments_as_it_stands_for() -> None:
    """60 of 80 flagged are toxic, and 3 of 100 others, which stand for 300 of 10,000."""
    is_true = np.array([1.0] * 60 + [0.0] * 20 + [1.0] * 3 + [0.0] * 97)
    is_flagged = np.array([True] * 80 + [False] * 100)
    precision, recall = precision_and_recall(is_true, is_flagged, sample(80, 100))
    assert (precision.value, recall.value) == (pytest.approx(0.75), pytest.approx(60 / 360))
    assert precision.low is not None and precision.high is not None
    assert 0.6 < precision.low < 0.7 < 0.8 < precision.high < 0.9
    assert recall.low is not None and recall.high is not None
    assert 0.05 < recall.low < 0.12 < 0.3 < recall.high < 0.6


def test_with_no_miss_among_the_random_reviews_recall_is_not_certain() -> None:
    is_true = np.array([1.0] * 60 + [0.0] * 120)
    is_flagged = np.array([True] * 80 + [False] * 100)
    _, recall = precision_and_recall(is_true, is_flagged, sample(80, 100))
    assert recall.value == 1.0 and recall.low is not None and recall.low < 0.5


@pytest.mark.regression("H6")
def test_without_enough_random_reviews_there_is_no_recall_and_with_few_flagged_no_precision() -> None:
    flagged, few = 200, statistics.MIN_RANDOM - 1
    is_flagged = np.array([True] * flagged + [False] * few)
    found = precision_and_recall(np.ones(flagged + few), is_flagged, sample(flagged, few))
    assert found[0].value == 1.0 and found[1] == Estimate()
    is_flagged = np.array([True] * 9 + [False] * 100)
    assert precision_and_recall(np.ones(109), is_flagged, sample(9, 100))[0] == Estimate()
    assert precision_and_recall(np.full(109, NAN), is_flagged, sample(9, 100)) == (Estimate(), Estimate())


@pytest.mark.regression("H7")
def test_repeated_texts_make_an_interval_wider_and_change_no_figure() -> None:
    is_true = np.array(([1.0] * 10 + [0.0] * 10) * 10)
    is_flagged = np.ones(200, dtype=bool)
    apart, _ = precision_and_recall(is_true, is_flagged, sample(200, 0))
    keys = [str(number // 10) for number in range(200)]
    together, _ = precision_and_recall(is_true, is_flagged, sample(200, 0, text_keys=keys))
    assert apart.value == together.value == 0.5

    def width(found: Estimate) -> float:
        assert found.low is not None and found.high is not None
        return found.high - found.low

    assert width(together) > 2 * width(apart)


def test_labels_that_nobody_looked_at_are_left_out_of_their_figures_alone() -> None:
    truth = np.array([[1.0, NAN]] * 40 + [[0.0, 0.0]] * 60)
    is_flagged = np.array([[True, False]] * 40 + [[False, False]] * 60)
    found = figures(truth, is_flagged, ["toxic", "threat"], sample(40, 60))
    assert set(found) == {ANY, "toxic", "threat"}
    assert found[ANY]["precision"]["value"] == found["toxic"]["precision"]["value"] == 1.0
    assert (
        found["threat"]["precision"]
        == found["threat"]["recall"]
        == {"value": None, "low": None, "high": None}
    )


def test_the_share_reviewed_goes_by_bands_and_tells_the_part_that_nobody_reached() -> None:
    of_all, of_reached = shares_by_band({9: (10, 10), 5: (20, 10), 4: (10, 2), 1: (12, 0), 0: (3, 0)})
    assert of_reached == {9: 1.0, 5: 0.4, 4: 0.4}  # the last two reviewed ones don't stand alone
    assert of_all == {9: 1.0, 5: 12 / 45, 4: 12 / 45, 1: 12 / 45, 0: 12 / 45}
    assert shares_by_band({3: (4, 0)}) == ({}, {})
    assert shares_by_band({3: (4, 1), 2: (2, 0), 1: (4, 4)}) == (dict.fromkeys((3, 2, 1), 0.5),) * 2
