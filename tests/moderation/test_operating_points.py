"""What each threshold of a label does, by the reviews that there are, and how the page says it."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User

from moderation.admin.thresholds.curves import NOTHING, drawn, in_words
from moderation.admin.thresholds.wishes import Wish, answered
from moderation.models import ModelVersion, Policy, Screening
from moderation.review.decisions import decide
from moderation.review.estimates import Item, Reviewed
from moderation.review.operating_points import PRECISION, RECALL, curve, of_models, propose
from moderation.review.statistics import Estimate
from tests.forum.models import Post
from tests.moderation.conftest import screen
from tests.moderation.test_policy_page import ADD, put_in_force
from tests.moderation.test_queue import staff


def item(number: int, score: float, is_toxic: bool, is_random: bool = True, probability: float = 0.5) -> Item:
    return Item(
        created=datetime(2026, 11, 1, tzinfo=UTC),
        text_key=f"{number:08x}",
        content_type_id=number % 2,
        labels={"toxic": is_toxic},
        outcome="hide" if is_toxic else "show",
        scores={"toxic": score},
        probability=probability,
        reached=probability,
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


def site(seed: int, count: int = 8000) -> Reviewed:
    """A site whose scores are a little too high: all that is flagged is decided, of the rest a twentieth."""
    dice = random.Random(seed)
    items = []
    for number in range(count):
        score = dice.betavariate(0.3, 2.5)
        is_toxic, is_flagged = dice.random() < score**1.3, score >= 0.5
        if is_flagged or dice.random() < 0.05:
            items.append(item(number, score, is_toxic, not is_flagged, 1.0 if is_flagged else 0.05))
    return Reviewed(items, ["toxic"], datetime(2026, 11, 1, tzinfo=UTC))


def truth_at(threshold: float) -> tuple[float, float]:
    """Precision and recall of such sites, from very many comments of theirs."""
    dice = random.Random(0)
    scores = [dice.betavariate(0.3, 2.5) for _ in range(50_000)]
    flagged = sum(score**1.3 for score in scores if score >= threshold)
    return flagged / sum(score >= threshold for score in scores), flagged / sum(s**1.3 for s in scores)


@pytest.mark.parametrize("kind, at_least", [(PRECISION, 0.7), (RECALL, 0.6)])
def test_what_is_proposed_meets_the_wish_on_the_mean_of_sites_and_says_how_far_it_strays(
    kind: str, at_least: float
) -> None:
    values, covered = [], 0
    for seed in range(12):
        proposal = propose(site(seed), "toxic", kind, at_least)
        assert proposal.threshold is not None and proposal.point is not None
        estimate = proposal.point.precision if kind == PRECISION else proposal.point.recall
        assert estimate.value is not None and estimate.value >= at_least
        values.append(truth_at(proposal.threshold)[0 if kind == PRECISION else 1])
        low, high = estimate.low or 0.0, estimate.high or 0.0
        covered += low <= values[-1] <= high
    mean = sum(values) / len(values)
    assert at_least - 0.03 < mean < at_least + (0.05 if kind == PRECISION else 0.15)
    assert covered >= 10


def test_a_higher_wish_for_precision_flags_less_and_one_for_recall_more() -> None:
    of = [propose(site(1), "toxic", PRECISION, at_least).threshold or 0 for at_least in (0.6, 0.7, 0.75)]
    assert of == sorted(of) and of[0] < of[-1]
    of = [propose(site(1), "toxic", RECALL, at_least).threshold or 0 for at_least in (0.3, 0.5, 0.8)]
    assert of == sorted(of, reverse=True) and of[0] > of[-1]


def test_a_proposal_says_how_many_items_it_rests_on() -> None:
    everything = site(1)
    proposal = propose(everything, "toxic", PRECISION, 0.7)
    scores = [(each.scores or {})["toxic"] for each in everything.items]
    assert proposal.flagged == sum(score >= (proposal.threshold or 2) for score in scores)
    assert proposal.positives == sum(bool(each.labels["toxic"]) for each in everything.items)
    assert proposal.random == sum(each.is_random for each in everything.items)


def test_nothing_is_proposed_without_enough_reviews_or_where_no_threshold_does() -> None:
    assert propose(reviewed(5), "toxic", PRECISION, 0.5).point is None
    few = propose(reviewed(20), "toxic", RECALL, 0.5)
    assert (few.point, few.random, few.lacks_random) == (None, 20, True)
    assert "for recall 30 comments" in answered(Wish("recall", "50"), few).answer
    assert "there are 20." in answered(Wish("recall", "50"), few).answer
    assert "score high" in answered(Wish("precision", "50"), few).answer
    assert propose(reviewed(), "threat", RECALL, 0.5).point is None
    out_of_reach = propose(site(1), "toxic", PRECISION, 0.99)
    assert out_of_reach.threshold is None and out_of_reach.point is not None
    assert out_of_reach.point.precision.value is not None and out_of_reach.point.precision.value < 0.99
    answer = answered(Wish("precision", "99"), out_of_reach)
    assert answer.threshold is None and "No threshold reaches that" in answer.answer


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


@pytest.mark.django_db
def test_a_proposal_fills_the_field_and_nothing_is_in_force_before_its_preview(
    version: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1.0, "BLIND_SHARE": 0}
    lead, person = staff("lea", "view_policy", "add_policy"), User.objects.create(username="ann")
    for number in range(40):
        Post.objects.create(body=f"you idiot {number}")
        Post.objects.create(body=f"a remark {number}")
    screen()
    for row in Screening.objects.filter(outcome=""):
        is_toxic = "idiot" in row.text
        labels = {"toxic": is_toxic, "threat": None, "insult": is_toxic}
        decide(row.pk, reviewer=person, kind="relabel", labels=labels)
    asked = {
        "model_label": "",
        "flag_toxic": "0.9",
        "no_flag_insult": "on",
        "wish_insult": "precision",
        "at_insult": "90",
        "wish_threat": "recall",
        "at_threat": "80,5",
        "wish_toxic": "precision",
        "at_toxic": "no number",
        "note": "asked the reviews",
    }
    page = lead.post(ADD, {**asked, "_propose": "1"}).text
    assert not Policy.objects.exists() and "What would change" not in page
    form = page.split('id="policy-form"')[1]
    assert re.findall(r'<(?:button|input type="submit")[^>]* name="(\w+)"', form)[0] == "_preview", "Enter"
    field = re.search(r'name="flag_insult" value="(0\.\d{3})"', page)
    assert field is not None
    assert f"Proposed: flag from {field[1]}. Precision 100 %" in page and "40 decided comments" in page
    assert "Not enough reviews: about ten comments have to be decided that score high" in page
    assert "Give a percentage over 0 and under 100." in page
    assert 'name="flag_toxic" value="0.9"' in page and "asked the reviews" in page
    assert not re.search(r'name="no_flag_insult"[^>]* checked', page)
    answer = put_in_force(lead, {"model_label": "", "flag_insult": field[1], "is_meant": "on"})
    assert answer.status_code == 302
    assert Policy.objects.get().thresholds == {"insult": {"flag": float(field[1])}}
