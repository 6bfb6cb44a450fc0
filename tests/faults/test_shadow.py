"""Workers killed while a candidate scores beside the active version: nothing waits, and the trial goes on."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from moderation.models import Scoring, Screening, ShadowTrial
from moderation.shadow import trials
from moderation.shadow.budget import SAVED_SECONDS
from moderation.shadow.counting import Counts
from moderation.shadow.following import TEXTS_AT_ONCE
from moderation.versions import store
from tests.faults.test_pools import _calibrated_otherwise
from tests.faults.workers import Workers
from tests.forum.models import Letter

SECONDS = 0.3
"""A part of the sample, and each batch, is in a worker's hands for so long."""
BUDGET = 0.3


def test_workers_killed_while_a_candidate_scores_lose_nothing_and_the_trial_goes_on(
    workers: Workers, tmp_path: Path
) -> None:
    """First while it is tried, when its worker stands as dead; then while it scores what it is proved for."""
    active = store.activate(store.publish(_calibrated_otherwise(tmp_path, "active", 1.0)))
    candidate = store.publish(_calibrated_otherwise(tmp_path, "candidate", 2.0))
    trial = trials.start(candidate, budget=BUDGET, draw_rate=0.0)
    slowly = {"SECONDS_TO_SCORE": str(SECONDS)}
    posted = 0

    def post(count: int) -> None:
        nonlocal posted
        for _ in range(count):
            posted += 1
            Letter.objects.create(text=f"{posted}: the market square was quiet in the morning")

    def scored() -> int:
        trial.refresh_from_db()
        return Counts.of(trial.counts).scored

    began = time.monotonic()
    post(3 * TEXTS_AT_ONCE)
    worker = workers.start(environment=slowly)
    tried = ShadowTrial.objects.filter(pk=trial.pk, deaths=1)
    workers.wait_for(tried.exists, "the candidate to be tried", pause=0.005)
    workers.kill(worker)
    assert scored() == 0

    worker = workers.start(environment=slowly)
    post(3 * TEXTS_AT_ONCE)
    workers.wait_for(lambda: scored() > 0, "the candidate to score")
    post(5 * TEXTS_AT_ONCE)
    workers.wait_until_screened(posted)
    time.sleep(2 * SECONDS)  # the active version has its verdicts; the candidate is at its own
    workers.kill(worker)
    before = scored()

    workers.start()
    post(TEXTS_AT_ONCE)
    workers.wait_until_screened(posted)
    workers.wait_for(lambda: scored() > before, "the trial to go on")
    passed = time.monotonic() - began

    assert set(Screening.objects.values_list("status", "deaths", "attempts", "error_code")) == {
        ("done", 0, 0, "")
    }
    bases = Counter(Scoring.objects.filter(is_basis=True).values_list("screening", "model_version"))
    assert len(bases) == posted and set(bases.values()) == {1}
    assert {version for _, version in bases} == {active.pk}
    beside = Scoring.objects.filter(purpose=Scoring.Purpose.SHADOW)
    assert set(beside.values_list("model_version", flat=True)) == {candidate.pk}
    assert beside.count() == scored() == beside.values("screening").distinct().count()
    assert (trial.status, trial.is_proved, trial.deaths) == ("running", True, 1)
    assert 0 < trial.seconds <= 3 * BUDGET * SAVED_SECONDS + BUDGET * passed  # what each worker had saved up
    assert store.active_version() == active
