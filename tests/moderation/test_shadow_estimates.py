"""Reviews of disagreements count with the probability of their draw, so estimates stay those of the site.

By simulation, through the rows and the code that production uses: a site of which all is known, two versions
that err differently, an audit and a trial that draw, and people who decide on all that comes up.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from moderation.models import ModelVersion, Review, Scoring, Screening, ShadowTrial
from moderation.policies import CLEAR, FLAGGED, Judgement
from moderation.retraining import training_data
from moderation.review import blind, estimates, response
from moderation.screening.store import _queue
from moderation.shadow import comparing, storing, trials
from moderation.versions import store
from tests.moderation.conftest import LABELS

pytestmark = pytest.mark.django_db
AUDIT_RATE, DRAW_RATE = 0.1, 0.4
KINDS = {  # (active flags, candidate flags): (comments, of these harmful)
    (True, True): (300, 250),
    (True, False): (200, 40),
    (False, True): (600, 400),
    (False, False): (2400, 240),
}
HARMFUL = sum(harmful for _, harmful in KINDS.values())


def scores(flags: bool) -> dict[str, float]:
    return dict.fromkeys(LABELS, 0.6 if flags else 0.1)


@pytest.fixture
def site(
    version: ModelVersion, candidate: ModelVersion, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> ShadowTrial:
    """A site after a trial, where somebody has decided on all that came up."""
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": AUDIT_RATE}
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    random.seed(20)
    trial = trials.start(candidate, draw_rate=DRAW_RATE)
    rows, truth, opinions = [], [], []
    for (by_active, by_candidate), (count, harmful) in KINDS.items():
        for number in range(count):
            verdict = FLAGGED if by_active else CLEAR
            row = Screening(
                text=f"text {len(rows)}",
                text_key=f"{random.randrange(16**8):08x}".ljust(64, "0"),
                object_id=str(len(rows)),
                field="body",
                status="done",
                verdict=verdict,
                severity=0.1 if by_active else 0.0,
                scored=timezone.now(),
            )
            row.queued_for, row.sampling_probability = _queue(row, Judgement(verdict, 0.0, ()), False)
            rows.append(row)
            truth.append(number < harmful)
            opinions.append((by_active, by_candidate))
    Screening.objects.bulk_create(rows)
    Scoring.objects.bulk_create(
        Scoring(screening=row, model_version=version, is_basis=True, scores=scores(by_active))
        for row, (by_active, _) in zip(rows, opinions, strict=True)
    )
    assert storing.store(trials.running() or trial, rows, [scores(by) for _, by in opinions], 1.0)
    is_harmful = {row.pk: harmful for row, harmful in zip(rows, truth, strict=True)}
    came_up = list(Screening.objects.open())
    Review.objects.bulk_create(
        Review(
            screening=row,
            number=1,
            kind="decision",
            decision="relabel",
            outcome="hide" if is_harmful[row.pk] else "show",
            labels=dict.fromkeys(LABELS, is_harmful[row.pk]),
        )
        for row in came_up
    )
    Screening.objects.filter(pk__in=[row.pk for row in came_up]).update(outcome="show")
    trial.refresh_from_db()
    return trial


def spread(kinds: dict[Any, float]) -> float:
    """The standard deviation of an estimated number of harmful comments, drawn with these probabilities."""
    return sum(KINDS[kind][1] * (1 - p) / p for kind, p in kinds.items()) ** 0.5


IN_STRATUM = AUDIT_RATE + (1 - AUDIT_RATE) * DRAW_RATE


def test_the_training_set_and_the_gate_weigh_what_was_drawn_to_the_whole_site(site: ShadowTrial) -> None:
    rows = training_data.reviewed(LABELS)
    assert {round(row.probability or 0, 3) for row in rows} == {1.0, 0.1, 0.46}
    harmful = sum(1 / (row.probability or 1) for row in rows if row.labels[0] == 1)
    everything = sum(1 / (row.probability or 1) for row in rows)
    of_harmful = spread({(False, True): IN_STRATUM, (False, False): AUDIT_RATE})
    assert harmful == pytest.approx(HARMFUL, abs=3 * of_harmful)
    assert everything == pytest.approx(3500, abs=3 * (600 * 1.17 + 2400 * 9) ** 0.5)
    stratum = [row for row in rows if row.probability == pytest.approx(IN_STRATUM)]
    estimate = sum(1 / IN_STRATUM for row in stratum if row.labels[0] == 1)
    assert estimate == pytest.approx(400, abs=3 * spread({(False, True): IN_STRATUM}))
    # were they counted as audit items and disagreements side by side, the stratum would count twice
    assert abs(estimate - 800) > 6 * spread({(False, True): IN_STRATUM})


def test_the_difference_of_the_two_versions_is_that_of_the_whole_site(
    site: ShadowTrial, version: ModelVersion, candidate: ModelVersion
) -> None:
    """As the gate weighs it: mistakes of the candidate less those of the active version."""
    total = 0.0
    flags = {
        (purpose, key): given["toxic"] >= 0.5
        for purpose, key, given in Scoring.objects.values_list("purpose", "screening", "scores")
    }
    shares = response.response()
    for review in Review.objects.select_related("screening"):
        row, harmful = review.screening, review.labels["toxic"]
        weight = 1 / ((row.sampling_probability or 1.0) * shares.share(row))
        total += weight * ((flags["shadow", row.pk] != harmful) - (flags["live", row.pk] != harmful))
    truth = (40 - 160) + (200 - 400)
    assert total == pytest.approx(truth, abs=3 * (600 * (1 - IN_STRATUM) / IN_STRATUM) ** 0.5)
    result = comparing.compare(site)
    assert result.difference is not None
    assert result.difference.low < truth / 3500 < result.difference.high < 0
    assert result.verdict == comparing.Verdict.BETTER


def test_recall_and_precision_of_both_versions_are_those_of_the_whole_site(
    site: ShadowTrial, version: ModelVersion, candidate: ModelVersion
) -> None:
    thresholds = {None: dict.fromkeys(LABELS, 0.5)}
    for which, flagged, right in ((version, 500, 290), (candidate, 900, 650)):
        reviewed = estimates.read(which, timezone.now() - timedelta(days=1))
        figures = estimates.estimate(reviewed, thresholds).quality["toxic"]
        assert figures["precision"]["value"] == pytest.approx(right / flagged, abs=0.06)
        assert figures["recall"]["value"] == pytest.approx(right / HARMFUL, abs=0.09)
        assert figures["recall"]["low"] < right / HARMFUL < figures["recall"]["high"]


def test_an_unread_rest_of_the_disagreements_changes_no_estimate_but_its_spread(site: ShadowTrial) -> None:
    """Half of the drawn disagreements were not reached: the others stand for them."""
    drawn = list(Screening.objects.filter(queued_for="disagreement").order_by("pk"))
    left = [row.pk for row in drawn[::2]]
    Review.objects.filter(screening__in=left)._raw_delete("default")
    Screening.objects.filter(pk__in=left).update(outcome="")
    rows = training_data.reviewed(LABELS)
    harmful = sum(1 / (row.probability or 1) for row in rows if row.labels[0] == 1)
    of_harmful = spread({(False, True): IN_STRATUM / 2, (False, False): AUDIT_RATE})
    assert harmful == pytest.approx(HARMFUL, abs=3 * of_harmful)


def test_a_disagreement_is_blind_and_stands_where_a_flagged_one_would(site: ShadowTrial) -> None:
    drawn = Screening.objects.filter(queued_for="disagreement")
    assert all(blind.is_blind(row) for row in drawn)
    assert set(drawn.values_list("severity", flat=True)) == {0.1}
