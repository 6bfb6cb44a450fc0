"""Krippendorff's alpha: the published examples, its interval, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from moderation.review.agreement import MIN_ITEMS, Judged, alpha, from_counts
from moderation.review.statistics import Estimate


def counts(*observers: str) -> np.ndarray:
    """(n_items, n_answers) from a string for each observer, with a letter or digit an item; a dot is none."""
    kinds = sorted({answer for row in observers for answer in row} - {"."})
    items = list(zip(*observers, strict=True))
    return np.array([[float(item.count(kind)) for kind in kinds] for item in items])


@pytest.mark.parametrize(
    ("observers", "expected"),
    [
        (("0100000010", "1110010000"), 0.095),
        (("aabbdcccedda", "babbbcccedda"[:11] + "d"), 0.692),
        (("123321412...", "1233224125.3", ".33323422 51.".replace(" ", ""), "12332441251."), 0.743),
    ],
    ids=["two observers, two answers", "two observers, five answers", "four observers, answers missing"],
)
def test_the_examples_of_krippendorff_s_paper_come_out(observers: tuple[str, ...], expected: float) -> None:
    assert from_counts(counts(*observers)) == pytest.approx(expected, abs=0.0006)


def test_full_agreement_is_one_and_chance_is_about_nothing() -> None:
    same = [(answer, answer) for answer in "hs" * 60]
    value, items = alpha(Judged(same))
    assert (value.value, items) == (1.0, 120) and value.low is not None and 0.9 < value.low < 1
    generator = np.random.default_rng(1)
    by_chance = [tuple(generator.choice(["hide", "show"], 2)) for _ in range(400)]
    value, _ = alpha(Judged(by_chance))
    assert value.low is not None and value.high is not None and value.low < 0 < value.high
    assert value.high - value.low < 0.25


def test_few_items_and_answers_that_hardly_anybody_gives_bring_no_figure() -> None:
    few = [("hide", "hide"), ("show", "show")] * (MIN_ITEMS // 2 - 1)
    assert alpha(Judged(few)) == (Estimate(), MIN_ITEMS - 2)
    rare = [("show", "show")] * 200 + [("hide", "hide")] * 4
    assert alpha(Judged(rare)) == (Estimate(), 204)
    assert alpha(Judged([("hide",)] * 100)) == (Estimate(), 0)
    assert alpha(Judged([])) == (Estimate(), 0)


def test_items_count_for_as_many_as_they_stand_for() -> None:
    """20 items on which two disagree stand for 180, so agreement is as of 40 items against 180."""
    agreed = [("hide", "hide"), ("show", "show")] * 40
    differed = [("hide", "show")] * 20
    plain, _ = alpha(Judged([*agreed, *differed]))
    weighted, _ = alpha(Judged([*agreed, *differed], weights=[1.0] * 80 + [9.0] * 20))
    assert plain.value == pytest.approx(0.6, abs=0.01)
    assert weighted.value == pytest.approx(1 - 180 / 260 / 0.5, abs=0.02)


def test_copies_of_one_text_widen_the_interval_and_change_no_figure() -> None:
    answers = [("hide", "hide"), ("show", "show"), ("hide", "show"), ("show", "show")] * 30
    apart, _ = alpha(Judged(answers))
    keys = [str(number // 10) for number in range(120)]
    together, _ = alpha(Judged(answers, text_keys=keys))
    assert apart.value == together.value
    assert apart.low is not None and apart.high is not None
    assert together.low is not None and together.high is not None
    assert together.high - together.low > 1.5 * (apart.high - apart.low)
