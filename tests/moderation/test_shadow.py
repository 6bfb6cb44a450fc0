"""A candidate scores live comments beside the active version, and nothing comes of it but figures."""

from __future__ import annotations

import gc
import json
import random
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.base import CommandError

from moderation import signals
from moderation.models import AuditEntry, ModelVersion, Scoring, Screening, ShadowDisagreement, ShadowTrial
from moderation.review.decisions import decide
from moderation.screening import model
from moderation.screening.scorer import ModelNotReady, Scorer
from moderation.shadow import comparing, intervals, storing, trials
from moderation.shadow.budget import Sample, TimeBudget
from moderation.shadow.counting import Counts
from moderation.shadow.following import DEATHS_TO_END, Follower
from moderation.versions import store
from tests.forum.models import Post
from tests.moderation.conftest import make_version, run_command, screen

pytestmark = pytest.mark.django_db


def by_other_words(texts: Sequence[str]) -> list[dict[str, float]]:
    """The candidate: it flags "stupid" and what threatens, and nothing else."""
    return [
        {
            "toxic": 0.97 if "kill" in text else 0.01,
            "threat": 0.01,
            "insult": 0.8 if "stupid" in text else 0.01,
        }
        for text in texts
    ]


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def worker(score: Scorer = by_other_words, clock: Clock | None = None, **options: Any) -> Follower:
    """A worker's follower, whose candidate scores so."""
    return Follower(load=lambda version: score, forget=lambda: None, clock=clock or Clock(), **options)


@pytest.fixture(autouse=True)
def files_are_there(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr(store, "local_directory", lambda version: None)
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0.01}


@pytest.fixture
def trial(candidate: ModelVersion) -> ShadowTrial:
    return trials.start(candidate, draw_rate=1.0, username="ann")


def post(*texts: str) -> None:
    for text in texts:
        Post.objects.create(body=text)


def rows() -> dict[str, Screening]:
    return {row.text: row for row in Screening.objects.all()}


def counts(trial: ShadowTrial) -> Counts:
    trial.refresh_from_db()
    return Counts.of(trial.counts)


def test_what_was_scored_live_is_scored_in_shadow_without_effect(
    trial: ShadowTrial, candidate: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 1e-9}
    told: list[int] = []
    signals.screening_scored.connect(receiver := lambda screening, **_: told.append(screening.pk))
    post("nice", "you idiot", "I kill you", "so stupid")
    done = screen(beside=worker())
    signals.screening_scored.disconnect(receiver)
    verdicts = {text: row.verdict for text, row in rows().items()}
    assert verdicts == {"nice": "clear", "you idiot": "flagged", "I kill you": "held", "so stupid": "clear"}
    assert done.verdicts == {"clear": 2, "flagged": 1, "held": 1} and len(told) == 4
    shadow = Scoring.objects.filter(purpose="shadow")
    assert set(shadow.values_list("model_version", "is_basis")) == {(candidate.pk, False)}
    assert shadow.count() == 4 and Scoring.objects.filter(is_basis=True, purpose="live").count() == 4
    assert rows()["you idiot"].severity == pytest.approx(0.2)
    assert counts(trial).flagged == {"both": 1, "active": 1, "candidate": 1, "neither": 1}
    assert counts(trial).held == {"both": 1, "active": 0, "candidate": 0, "neither": 3}
    assert counts(trial).labels["insult"] == {"both": 0, "active": 1, "candidate": 1, "neither": 2}


def test_disagreements_are_recorded_and_those_of_the_candidate_drawn(trial: ShadowTrial) -> None:
    post("nice", "you idiot", "so stupid")
    screen(beside=worker())
    found = {each.screening.text: each for each in ShadowDisagreement.objects.select_related("screening")}
    assert {text: (each.flagged_by, each.labels) for text, each in found.items()} == {
        "you idiot": ("active", ["toxic", "insult"]),
        "so stupid": ("candidate", ["insult"]),
    }
    drawn, flagged, nice = rows()["so stupid"], rows()["you idiot"], rows()["nice"]
    assert (drawn.verdict, drawn.sampling_probability) == ("clear", 1.0)
    assert drawn.queued_for in ("disagreement", "audit") and drawn.is_open
    assert (flagged.queued_for, flagged.sampling_probability) == ("flagged", 1.0)
    assert nice.sampling_probability == 0.01


def test_all_that_chance_could_have_drawn_bears_the_probability_of_both_draws(
    candidate: ModelVersion, settings: Any
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0.2}
    trial = trials.start(candidate, draw_rate=0.5)
    post(*(f"so stupid {number}" for number in range(60)), *(f"nice {number}" for number in range(40)))
    screen(beside=worker())
    stratum = Screening.objects.filter(text__startswith="so stupid")
    assert set(stratum.values_list("sampling_probability", flat=True)) == {0.2 + 0.8 * 0.5}
    others = Screening.objects.filter(text__startswith="nice")
    assert set(others.values_list("sampling_probability", flat=True)) == {0.2}
    assert set(others.values_list("queued_for", flat=True)) <= {"", "audit"}
    reasons = list(stratum.values_list("queued_for", flat=True))
    assert {*reasons} == {"", "audit", "disagreement"}
    assert counts(trial).drawn == reasons.count("disagreement")


def test_a_draw_rate_of_zero_draws_nothing(candidate: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0}
    trials.start(candidate, draw_rate=0)
    post("so stupid")
    screen(beside=worker())
    assert ShadowDisagreement.objects.count() == 1
    assert (rows()["so stupid"].queued_for, rows()["so stupid"].sampling_probability) == ("", 0)


def test_readers_reports_leave_a_draw_to_chance(trial: ShadowTrial) -> None:
    follower = worker()
    post("so stupid")
    screen(beside=follower)
    Screening.objects.update(queued_for="reported", sampling_probability=None, open_reports=1)
    Scoring.objects.filter(purpose="shadow").delete()
    ShadowDisagreement.objects.all().delete()
    row = Screening.objects.get()
    assert storing.store(trials.running() or trial, [row], by_other_words([row.text]), 0.0)
    row.refresh_from_db()
    assert (row.queued_for, row.sampling_probability) == ("disagreement", 1.0)


def test_a_text_is_not_scored_in_shadow_while_another_one_waits(trial: ShadowTrial) -> None:
    follower = worker()
    post("nice")
    screen(beside=follower, batches=1)
    Scoring.objects.filter(purpose="shadow").delete()
    follower.note(Screening.objects.values_list("pk", flat=True))
    assert not follower.follow(lambda: False, threading.Event())
    assert not Scoring.objects.filter(purpose="shadow").exists()


def test_a_comment_that_comes_meanwhile_waits_for_one_part_at_most_and_is_drained(trial: ShadowTrial) -> None:
    def score(texts: Sequence[str]) -> list[dict[str, float]]:
        if not Post.objects.filter(body="late").exists():
            post("late")
        return by_other_words(texts)

    post(*(f"nice {number}" for number in range(20)))
    done = screen(beside=worker(score))
    assert not done.is_finished
    assert Scoring.objects.filter(purpose="shadow").count() == 4
    assert screen(beside=worker()).verdicts == {"clear": 1}


def test_a_candidate_keeps_within_its_share_of_the_time(candidate: ModelVersion) -> None:
    trial = trials.start(candidate, budget=0.1)
    clock = Clock()

    def slow(texts: Sequence[str]) -> list[dict[str, float]]:
        clock.now += 1.0
        return by_other_words(texts)

    follower = worker(slow, clock)

    def scored(seconds: float) -> int:
        before = Scoring.objects.filter(purpose="shadow").count()
        clock.now += seconds
        post(*(f"nice {clock.now} {number}" for number in range(40)))
        screen(beside=follower)
        return Scoring.objects.filter(purpose="shadow").count() - before

    assert scored(0) == 7 * 4  # six seconds are saved up, and the share of those that pass meanwhile
    assert scored(0) == 0
    assert scored(5) == 4
    assert scored(20) in (8, 12)
    post("one more")
    clock.now += 60
    screen(beside=follower)
    trial.refresh_from_db()
    assert 9 <= trial.seconds <= clock.now * 0.1 + 6.1


def test_a_budget_is_saved_up_for_a_minute_at_most() -> None:
    clock = Clock()
    budget = TimeBudget(0.5, clock)
    budget.spend(30)
    assert not budget.is_left
    clock.now = 1000
    assert budget.is_left
    budget.spend(30)
    assert not budget.is_left


def test_each_comment_has_the_same_chance_to_be_in_the_sample() -> None:
    random.seed(20)
    hits = dict.fromkeys(range(40), 0)
    for _ in range(4000):
        sample = Sample(most=10)
        sample.add(range(25))
        sample.add(range(25, 40))
        for key in sample.take():
            hits[key] += 1
        assert not sample.take()
    assert all(880 < count < 1120 for count in hits.values())


@pytest.mark.parametrize("error", [ValueError("a text"), ModelNotReady("no files"), MemoryError()], ids=repr)
def test_a_candidate_that_can_not_be_loaded_ends_its_trial(trial: ShadowTrial, error: Exception) -> None:
    def load(version: ModelVersion) -> Scorer:
        raise error

    post("nice", "you idiot")
    done = screen(beside=Follower(load=load, forget=lambda: None))
    assert done.verdicts == {"clear": 1, "flagged": 1}
    trial.refresh_from_db()
    assert (trial.status, trial.error_code) == ("ended", f"loading-error:{type(error).__name__}")
    assert AuditEntry.objects.get(action="shadow.ended").after["code"] == trial.error_code


def test_a_candidate_that_scores_nothing_ends_its_trial(trial: ShadowTrial) -> None:
    def broken(texts: Sequence[str]) -> list[dict[str, float]]:
        return [{"toxic": float("nan"), "threat": 0.0, "insult": 0.0} for _ in texts]

    post("nice")
    assert screen(beside=worker(broken)).verdicts == {"clear": 1}
    trial.refresh_from_db()
    assert (trial.status, trial.error_code) == ("ended", "scoring-error:ValueError")
    assert Screening.objects.get().deaths == 0 and Screening.objects.get().attempts == 0


def test_a_text_that_only_the_candidate_fails_at_is_counted(trial: ShadowTrial) -> None:
    def picky(texts: Sequence[str]) -> list[dict[str, float]]:
        if any("odd" in text for text in texts):
            raise ValueError("odd")
        return by_other_words(texts)

    post("nice", "odd")
    screen(beside=worker(picky))
    assert (counts(trial).scored, counts(trial).failures, trial.status) == (1, 1, "running")


def test_a_candidate_that_kills_its_workers_ends_its_trial(trial: ShadowTrial) -> None:
    class Killed(KeyboardInterrupt):
        """Ends the process; nothing of ours runs after it, as after SIGKILL."""

    def kill(version: ModelVersion) -> Scorer:
        ShadowTrial.objects.filter(pk=trial.pk).update(deaths=100)  # as no `finally` runs after SIGKILL
        raise Killed

    post("nice")
    with pytest.raises(Killed):
        screen(beside=Follower(load=kill, forget=lambda: None))
    assert Screening.objects.get().verdict == "clear"
    ShadowTrial.objects.filter(pk=trial.pk).update(deaths=DEATHS_TO_END - 1)
    post("fine")
    screen(beside=worker())
    assert counts(trial).scored == 1 and trial.status == "running" and trial.is_proved
    ShadowTrial.objects.filter(pk=trial.pk).update(deaths=DEATHS_TO_END, is_proved=False)
    post("good")
    assert screen(beside=worker()).verdicts == {"clear": 1}
    trial.refresh_from_db()
    assert (trial.status, trial.error_code) == ("ended", "worker-died")


def test_two_workers_score_each_comment_once(trial: ShadowTrial) -> None:
    first, second = worker(), worker()
    for number in range(6):
        post(f"nice {number}", f"you idiot {number}")
        screen(beside=(first, second)[number % 2])
    assert counts(trial).scored == Scoring.objects.filter(purpose="shadow").count() == 12
    keys = list(Screening.objects.values_list("pk", flat=True))
    second.note(keys)
    second.follow(lambda: True, threading.Event())
    assert counts(trial).scored == 12


def test_the_candidate_is_in_memory_while_its_trial_runs_and_not_after(trial: ShadowTrial) -> None:
    clock, events = Clock(), []

    def load(version: ModelVersion) -> Scorer:
        events.append("load")
        return by_other_words

    follower = Follower(load=load, forget=lambda: events.append("forget"), clock=clock)
    screen(beside=follower)
    assert events == []  # nothing to score
    post("nice")
    screen(beside=follower)
    assert events == ["load"]
    trials.stop(trial)
    clock.now += 10
    screen(beside=follower)
    assert events == ["load", "forget"]
    post("fine")
    screen(beside=follower)
    assert events == ["load", "forget"] and counts(trial).scored == 1


def test_a_trial_that_was_stopped_while_its_candidate_scored_stores_nothing(trial: ShadowTrial) -> None:
    def score(texts: Sequence[str]) -> list[dict[str, float]]:
        trials.stop(trial)
        return by_other_words(texts)

    post("so stupid")
    screen(beside=worker(score))
    assert not Scoring.objects.filter(purpose="shadow").exists()
    assert counts(trial).scored == 0 and not ShadowDisagreement.objects.exists()


def test_a_trial_ends_once_another_version_is_active(trial: ShadowTrial) -> None:
    store.activate(make_version("3"))
    post("nice")
    screen(beside=worker())
    trial.refresh_from_db()
    assert (trial.status, trial.error_code) == ("ended", "another-version-active")
    with pytest.raises(trials.TrialRefused, match="was not compared"):
        trials.promote(trial)


def test_what_was_screened_before_the_trial_is_not_part_of_it(candidate: ModelVersion) -> None:
    follower = worker()
    post("nice")
    screen(beside=follower)
    trial = trials.start(candidate)
    follower._next_look = None
    follower.note(Screening.objects.values_list("pk", flat=True))
    follower.follow(lambda: True, threading.Event())
    assert counts(trial).scored == 0


def test_one_trial_runs_at_a_time(trial: ShadowTrial, version: ModelVersion) -> None:
    with pytest.raises(trials.TrialRefused, match="Another shadow trial"):
        trials.start(make_version("3"))
    trials.stop(trial)
    with pytest.raises(trials.TrialRefused, match="is over"):
        trials.stop(trial)
    with pytest.raises(trials.TrialRefused, match="active version"):
        trials.start(version)
    assert trials.start(make_version("4")).is_running
    assert ShadowTrial.objects.count() == 2


def test_a_site_without_blind_items_draws_no_disagreements(candidate: ModelVersion, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUDIT_RATE": 0}
    with pytest.raises(trials.TrialRefused, match="AUDIT_RATE is 0"):
        trials.start(candidate)
    assert not ShadowTrial.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("end", "status", "is_active"), [(trials.promote, "promoted", True), (trials.drop, "dropped", False)]
)
def test_promoting_activates_and_dropping_does_not(
    trial: ShadowTrial,
    candidate: ModelVersion,
    end: Callable[..., ShadowTrial],
    status: str,
    is_active: bool,
) -> None:
    ann = User.objects.create_user("ann")
    end(trial, user=ann)
    candidate.refresh_from_db()
    assert (trial.status, candidate.is_active) == (status, is_active)
    assert AuditEntry.objects.get(action=f"shadow.{status}").username == "ann"
    with pytest.raises(trials.TrialRefused):
        end(trial, user=ann)


def test_people_say_which_version_is_right(trial: ShadowTrial) -> None:
    post(*(f"so stupid {number}" for number in range(30)), *(f"you idiot {number}" for number in range(20)))
    screen(beside=worker())
    assert comparing.compare(trial).verdict == comparing.Verdict.NOT_ENOUGH
    ann = User.objects.create_user("ann")
    for row in Screening.objects.open():
        is_wrong = "stupid" in row.text
        decide(
            row.pk, reviewer=ann, kind="relabel", labels={"toxic": is_wrong, "threat": False, "insult": False}
        )
    trial.refresh_from_db()
    result = comparing.compare(trial)
    assert (result.of_candidate.found, result.of_candidate.reviewed, result.of_candidate.right) == (
        30,
        30,
        30,
    )
    assert (result.of_active.found, result.of_active.reviewed, result.of_active.right) == (20, 20, 0)
    assert result.verdict == comparing.Verdict.BETTER
    assert result.difference is not None and result.difference.value == pytest.approx(-1.0)
    assert -1.0 <= result.difference.low <= result.difference.high < -0.5


def test_the_command_starts_shows_and_stops(candidate: ModelVersion) -> None:
    assert "test@2 beside test@1: running" in run_command("shadow", "start", "test@2", "--budget", "0.1")
    post("nice", "so stupid")
    screen(beside=worker())
    told = json.loads(run_command("shadow", "status", "--json"))
    assert (told["scored"], told["budget"], told["verdict"]) == (2, 0.1, "not_enough")
    assert told["flagged_alone"]["candidate"]["found"] == 1
    printed = run_command("shadow", "status")
    assert "Scored 2 comment(s)" in printed and "by the candidate alone 1" in printed
    assert ": ended" in run_command("shadow", "stop")
    assert ": dropped" in run_command("shadow", "drop")
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == [
        *("shadow.started", "shadow.ended", "shadow.dropped"),
    ]
    assert AuditEntry.objects.filter(username__endswith="(system)").count() == 3


@pytest.mark.parametrize(
    "arguments", [("start", "test@9"), ("start", "test@1"), ("stop",), ("status",), ("promote",)], ids=str
)
def test_the_command_says_what_can_not_be_done_and_changes_nothing(
    candidate: ModelVersion, arguments: tuple[str, ...]
) -> None:
    with pytest.raises(CommandError) as caught:
        run_command("shadow", *arguments)
    assert caught.value.returncode == 2
    assert not ShadowTrial.objects.exists() and not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [(0, 10, 0.0, 0.3085), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0), (81, 263, 0.2527, 0.3676)],
)
def test_exact_intervals_are_those_of_clopper_and_pearson(
    successes: int, count: int, low: float, high: float
) -> None:
    share = intervals.exact(successes, count)
    assert (share.low, share.high) == pytest.approx((low, high), abs=2e-4)
    assert share.value == successes / count


def test_a_sum_of_one_share_has_its_interval_and_opposite_ones_widen_it() -> None:
    share = intervals.exact(8, 10)
    alone = intervals.combined([(2.0, share)])
    assert (alone.low, alone.high) == pytest.approx((2 * share.low, 2 * share.high))
    both = intervals.combined([(1.0, share), (-1.0, share)])
    assert both.value == pytest.approx(0) and both.high == pytest.approx(-both.low)
    assert both.high > share.high - share.value


def test_memory_of_a_candidate_is_freed_beside_the_version_that_scores(
    version: ModelVersion, candidate: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loaded:
        def predict(self, texts: Sequence[str]) -> list[dict[str, float]]:
            return by_other_words(texts)

    models: list[weakref.ref[Loaded]] = []

    def load_model(version: ModelVersion, **options: Any) -> Loaded:
        assert options["cores"] == 1
        loaded = Loaded()
        models.append(weakref.ref(loaded))
        return loaded

    monkeypatch.setattr(model, "load_model", load_model)
    clock = Clock()
    follower = Follower(clock=clock)
    trial = trials.start(candidate)
    post("nice")
    screen(beside=follower)
    assert counts(trial).scored == 1 and [made() is not None for made in models] == [True]
    trials.stop(trial)
    clock.now += 10
    screen(beside=follower)
    gc.collect()
    assert [made() for made in models] == [None]
