"""Wrong decisions are found and counted, and who makes them is named; features of two kinds of text."""

import numpy as np
import pytest

from toxicity_ml import doubts

NAMES = ("toxic", "insult")
EVERYBODY = ("ann", "bob", "cid", "dan", "eve")


def made(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(features, truth): two clouds that overlap a little."""
    chance = np.random.default_rng(seed)
    truth = chance.random(count) < 0.5
    features = chance.normal(size=(count, 12)).astype(np.float32)
    features[:, :4] += 1.3 * np.where(truth, 1, -1)[:, None]
    return features, truth


def found(features: np.ndarray, given: np.ndarray, reviewers: list[str]) -> doubts.Doubts:
    labels = np.stack([given.astype(float), np.full(len(given), np.nan)], axis=1)
    labels[~given, 1] = 0.0
    groups = [str(place) for place in range(len(given))]
    return doubts.find(features, labels, NAMES, groups=groups, reviewers=reviewers)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_how_many_decisions_are_wrong_is_estimated_within_eight_points(share: float) -> None:
    features, truth = made(600, 1)
    chance = np.random.default_rng(2)
    given = np.where(chance.random(600) < share, chance.random(600) < 0.5, truth)
    wrong = given != truth
    said = found(features, given, ["ann"] * 600)
    assert said.decisions == 600 and said.wrong is not None
    assert abs(said.wrong - wrong.mean()) < 0.08  # of 30 % at random half are right by chance
    rows = [issue.row for issue in said.issues if issue.label == doubts.ANY]
    if share:
        assert wrong[rows].mean() > 0.6 and len(rows) > 0.7 * wrong.sum()


def test_a_reviewer_who_flips_a_fifth_of_all_decisions_is_named_and_no_other() -> None:
    for seed in range(3):
        features, truth = made(600, seed)
        reviewers = list(np.random.default_rng(seed).choice(EVERYBODY, 600))
        careless = np.random.default_rng(seed + 9).random(600) < 0.08
        given = truth ^ careless ^ (np.array(reviewers) == "eve")
        assert [one.reviewer for one in found(features, given, reviewers).reviewers if one.stands_out] == [
            "eve"
        ]
        alike = found(features, truth ^ careless, reviewers)
        assert len(alike.reviewers) == 5 and not any(one.stands_out for one in alike.reviewers)


def test_nobody_is_named_because_of_what_one_other_says_of_a_kind_of_comment() -> None:
    """Eve clears 60 slurs, and 25 decisions of ann, who is right, look unlikely for it."""
    features, truth = made(400, 4)
    reviewers = list(np.random.default_rng(4).choice(EVERYBODY[:4], 400))
    careless = np.random.default_rng(5).random(400) < 0.08
    slurs = np.random.default_rng(6).normal(size=(85, 12)).astype(np.float32)
    slurs[:, 8:] += 2.5
    everything = np.concatenate([features, slurs])
    given = np.concatenate([truth ^ careless, np.repeat([False, True], [60, 25])])
    said = found(everything, given, [*reviewers, *["eve"] * 60, *["ann"] * 25])
    by_name = {one.reviewer: one for one in said.reviewers}
    assert by_name["ann"].low > 0 and by_name["ann"].only_against == "eve"
    assert not any(one.stands_out for one in said.reviewers)


def test_near_copies_are_never_on_both_sides_of_a_fold_and_too_few_say_nothing() -> None:
    features, truth = made(200, 1)
    place = int(features[:, :4].sum(axis=1).argmax())  # plainly toxic
    given = truth.copy()
    given[place] = False
    given = np.concatenate([given, given])  # both copies are wrong, and would bear each other out
    groups = [str(number) for number in range(200)] * 2
    labels = given.astype(float)[:, None]
    copied = np.concatenate([features, features])
    said = doubts.find(copied, labels, ["toxic"], groups=groups, reviewers=["ann"] * 400)
    assert {place, place + 200} <= {issue.row for issue in said.issues}
    few = doubts.find(features[:30], labels[:30], ["toxic"], groups=groups[:30], reviewers=["ann"] * 30)
    assert few.wrong is None and few.issues == [] and few.reviewers == []
