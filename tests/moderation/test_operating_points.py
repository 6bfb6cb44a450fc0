"""What each threshold of a label does, by the reviews that there are, and how the page says it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from moderation.admin.thresholds.curves import NOTHING, drawn, in_words
from moderation.models import ModelVersion, Screening
from moderation.review.decisions import decide
from moderation.review.estimates import Item, Reviewed
from moderation.review.operating_points import curve, of_models
from moderation.review.statistics import Estimate
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_policy_page import ADD
from tests.moderation.test_queue import staff


def item(number: int, score: float, is_toxic: bool, is_random: bool = True) -> Item:
    return Item(
        created=datetime(2026, 11, 1, tzinfo=UTC),
        text_key=f"{number:08x}",
        content_type_id=number % 2,
        labels={"toxic": is_toxic},
        outcome="hide" if is_toxic else "show",
        scores={"toxic": score},
        probability=0.5,
        reached=0.5,
        is_random=is_random,
    )


def reviewed(count: int = 400) -> Reviewed:
    """Comments whose score is the probability that they are toxic."""
    dice = random.Random(1)
    scores = [dice.random() for _ in range(count)]
    items = [item(number, score, dice.random() < score) for number, score in enumerate(scores)]
    return Reviewed(items, ["toxic"], datetime(2026, 11, 1, tzinfo=UTC))


def test_a_higher_threshold_is_more_often_right_and_finds_less() -> None:
    points = curve(reviewed(), "toxic", among=[0.5])
    thresholds = [point.threshold for point in points]
    assert thresholds == sorted(set(thresholds)) and 0.5 in thresholds
    recalls = [point.recall.value for point in points if point.recall.value is not None]
    assert recalls == sorted(recalls, reverse=True)
    at_half = next(point for point in points if point.threshold == 0.5)
    # of scores over a half the mean is .75, and of all that is toxic .75 lies there
    assert at_half.precision.value == pytest.approx(0.75, abs=0.06)
    assert at_half.recall.value == pytest.approx(0.75, abs=0.06)
    low, high = at_half.precision.low, at_half.precision.high
    assert low is not None and high is not None and low < 0.75 < high


def test_without_enough_reviews_there_is_no_curve() -> None:
    assert curve(reviewed(5), "toxic") == []
    assert curve(reviewed(), "threat") == []
    assert drawn("toxic", curve(reviewed(5), "toxic"), 0.5) is None


def test_only_the_models_that_are_covered_count() -> None:
    everything = reviewed()
    half = of_models(everything, {1})
    assert len(half.items) == 200 and {each.content_type_id for each in half.items} == {1}
    assert of_models(everything, {7}).items == []


def test_the_drawing_has_a_dot_for_each_threshold_and_marks_the_one_in_force() -> None:
    picture = drawn("toxic", curve(reviewed(), "toxic", among=[0.5]), 0.5)
    assert picture is not None and picture.now is not None
    assert picture.dots[picture.place] is picture.now and picture.now.number == "0.500"
    assert len(picture.line.split()) == picture.most + 1
    assert "precision 7" in picture.now.spoken and "0.500" in picture.now.spoken


def test_an_estimate_is_written_with_its_interval() -> None:
    assert in_words(Estimate(0.814, 0.736, 0.88)) == "81 % (74\u201388)"
    assert in_words(Estimate()) == NOTHING


@pytest.mark.django_db
def test_the_page_says_what_to_expect_of_other_thresholds(version: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 0}
    lead, person = staff("lea", "view_policy", "add_policy"), User.objects.create(username="ann")
    data = {"model_label": "", "flag_toxic": "0.9", "flag_insult": "0.9", "_preview": "1"}
    Post.objects.create(body="hello")
    screen()
    page = lead.post(ADD, data).text
    assert "Expected, by the reviews" not in page and "data-policy-curve" not in page
    for number in range(40):
        Post.objects.create(body=f"you idiot {number}")
        Post.objects.create(body=f"a remark {number}")
    screen()
    for row in Screening.objects.filter(outcome=""):
        is_toxic = "idiot" in row.text and row.pk % 4 != 0
        labels = {"toxic": is_toxic, "threat": False, "insult": is_toxic}
        decide(row.pk, reviewer=person, kind="relabel", labels=labels)
    page = lead.post(ADD, data).text
    assert "Expected, by the reviews" in page and "data-policy-curve" in page
    expected = page.split("Expected, by the reviews")[1].split("</table>")[0]
    row = expected.split('<th scope="row">insult</th>')[1].split("</tr>")[0]
    now, then = row.split("<td>")[3], row.split("<td>")[4]
    assert now.startswith(("9", "100 %")), "all insults were flagged at 0.5"
    assert then.startswith("0 %"), "none is at 0.9"
