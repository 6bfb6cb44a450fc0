"""Whether the active version does worse than the one before it, and what becomes of it then."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from moderation.models import AuditEntry, ModelVersion, Review, Scoring, Screening, StoredFigures
from moderation.monitoring import health
from moderation.versions import store, watch
from moderation.versions.watch import Share, stability_index
from tests.moderation.version_files import write_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def versions(settings: Any, tmp_path: Path) -> tuple[ModelVersion, ModelVersion]:
    """The version before, and the one that is active."""
    settings.MODERATION = {**settings.MODERATION, "MODEL_DIRECTORY": str(tmp_path / "published")}
    old = store.activate(store.publish(write_version(tmp_path / "old", "1")))
    new = store.activate(store.publish(write_version(tmp_path / "new", "2")))
    return old, new


def judge(version: ModelVersion, count: int, flagged: int, score: float = 0.2) -> list[Screening]:
    """Store `count` comments that a version judged, of which it flagged so many."""
    screenings = Screening.objects.bulk_create(
        Screening(
            text="x",
            object_id=str(number),
            field="body",
            status=Screening.Status.DONE,
            verdict=Screening.Verdict.FLAGGED if number < flagged else Screening.Verdict.CLEAR,
            queued_for=Screening.QueuedFor.FLAGGED if number < flagged else Screening.QueuedFor.AUDIT,
        )
        for number in range(count)
    )
    Scoring.objects.bulk_create(
        Scoring(
            screening=row, model_version=version, is_basis=True, scores={"toxic": score + number % 10 / 100}
        )
        for number, row in enumerate(screenings)
    )
    return screenings


def decide(version: ModelVersion, rows: list[Screening], hidden: int, **more: Any) -> None:
    """Store a decision on each of the rows; the first `hidden` were found harmful."""
    Review.objects.bulk_create(
        Review(
            screening=row,
            number=1,
            kind=Review.Kind.DECISION,
            **{
                "decision": Review.Decision.UPHOLD if number < hidden else Review.Decision.FALSE_POSITIVE,
                "outcome": Screening.Outcome.HIDE if number < hidden else Screening.Outcome.SHOW,
                "model_version": version,
                **more,
            },
        )
        for number, row in enumerate(rows)
    )


def found() -> watch.Look:
    seen = watch.watch()
    assert seen is not None
    return seen


def test_a_version_as_good_as_the_one_before_is_told_of_nothing(versions: Any) -> None:
    for version in versions:
        rows = judge(version, 600, 60)
        decide(version, rows[:60], hidden=40)
        decide(version, rows[60:160], hidden=3)
    seen = found()
    assert seen.findings == [] and not seen.is_worse
    assert seen.flagged == (Share(60, 600), Share(60, 600))
    assert seen.false_alarms == (Share(20, 60), Share(20, 60))
    assert seen.misses == (Share(3, 100), Share(3, 100))


@pytest.mark.parametrize(
    ("flagged_hidden", "missed", "code"), [(15, 3, "more-false-alarms"), (40, 40, "more-misses")]
)
def test_more_false_alarms_or_misses_propose_to_go_back(
    versions: Any, flagged_hidden: int, missed: int, code: str
) -> None:
    for version, hidden, harmful in zip(versions, (40, flagged_hidden), (3, missed), strict=True):
        rows = judge(version, 600, 60)
        decide(version, rows[:60], hidden=hidden)
        decide(version, rows[60:160], hidden=harmful)
    assert found().findings == [code]
    assert store.active_version() == versions[1]
    finding = health._watched()
    assert not finding.is_well and code in finding.says and "rollback" in finding.do


def test_a_few_decisions_prove_nothing(versions: Any) -> None:
    for version, hidden in zip(versions, (40, 0), strict=True):
        decide(version, judge(version, 49, 49), hidden=hidden)
    assert found().findings == []


def test_picked_decisions_undone_ones_and_spam_tell_nothing(versions: Any) -> None:
    for version, hidden in zip(versions, (50, 0), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden, is_picked=True)
    spam = judge(versions[1], 60, 0)
    decide(
        versions[1],
        spam,
        hidden=60,
        decision=Review.Decision.OTHER_REASON,
        reason="spam",
        outcome=Screening.Outcome.HIDE,
    )
    undone = judge(versions[1], 1, 1)
    decide(versions[1], undone, hidden=0)
    decision = Review.objects.get(screening=undone[0])
    Review.objects.create(screening=undone[0], number=2, kind=Review.Kind.UNDO, undoes=decision)
    seen = found()
    assert (seen.false_alarms[1], seen.misses[1]) == (Share(0, 0), Share(0, 0))


def test_where_the_site_wants_it_a_worse_version_is_left_by_itself(versions: Any, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTO_ROLLBACK": True}
    old, _ = versions
    for version, hidden in zip(versions, (60, 20), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    watch.watch()
    assert store.active_version() == old
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.username) == ("model.rolled_back", "watch (system)")
    assert "more-false-alarms" in str(entry.after) + str(entry.before)
    assert health._watched().is_well
    watch.watch()
    assert store.active_version() == old


def test_what_has_been_active_for_long_is_not_left_by_itself(versions: Any, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTO_ROLLBACK": True}
    for version, hidden in zip(versions, (60, 20), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    seen = watch.watch(timezone.now() + timedelta(days=31))
    assert seen is not None and seen.is_worse
    assert store.active_version() == versions[1]


def test_a_version_that_was_gone_back_to_is_not_left_by_itself(
    versions: Any, settings: Any, tmp_path: Path
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTO_ROLLBACK": True}
    middle, newest = versions[1], store.activate(store.publish(write_version(tmp_path / "newest", "3")))
    for version, hidden in zip((*versions, newest), (60, 40, 10), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    watch.watch()
    assert store.active_version() == middle
    seen = watch.watch()
    assert seen is not None and seen.is_worse
    assert store.active_version() == middle


def test_a_version_before_whose_files_are_gone_is_not_gone_back_to(
    versions: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTO_ROLLBACK": True}
    for version, hidden in zip(versions, (60, 20), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    shutil.rmtree(Path(settings.MODERATION["MODEL_DIRECTORY"]) / versions[0].location)
    watch.watch()
    assert store.active_version() == versions[1]
    assert "Going back from" in caplog.text
    finding = health._watched()
    assert not finding.is_well and finding.numbers["refused"] == "files-missing"
    assert "could not be gone back to" in finding.says


def test_a_version_that_somebody_activates_meanwhile_stays(
    versions: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTO_ROLLBACK": True}
    for version, hidden in zip(versions, (60, 20), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    newest = store.publish(write_version(tmp_path / "newest", "3"))
    look = watch.look

    def looked(*args: Any) -> watch.Look:
        seen = look(*args)
        store.activate(newest)
        return seen

    monkeypatch.setattr(watch, "look", looked)
    watch.watch()
    assert store.active_version() == newest
    assert StoredFigures.objects.get(name=watch.NAME).data["refused"] == "activated-meanwhile"


def test_a_clock_that_was_set_back_leaves_the_version_where_it_is(versions: Any, settings: Any) -> None:
    settings.MODERATION = {**settings.MODERATION, "AUTO_ROLLBACK": True}
    for version, hidden in zip(versions, (60, 20), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    seen = watch.watch(timezone.now() - timedelta(days=2))
    assert seen is not None and seen.is_worse
    assert store.active_version() == versions[1]


def test_fewer_false_alarms_of_which_people_see_the_milder_ones_are_not_worse(versions: Any) -> None:
    old, new = versions
    decide(old, judge(old, 1000, 200)[:60], hidden=40)
    decide(new, judge(new, 1000, 60)[:60], hidden=20)
    assert "more-false-alarms" not in found().findings


def test_equal_versions_are_hardly_ever_called_worse_however_often_one_looks() -> None:
    chance = np.random.default_rng(5)
    alarms = {rate: _share_of_alarms(chance, 0.4, rate) for rate in (0.4, 0.6)}
    assert alarms[0.4] <= 0.02
    assert alarms[0.6] >= 0.98


def _share_of_alarms(chance: np.random.Generator, before: float, after: float) -> float:
    """In how many of 300 months of 1,000 decisions, looked at after every ten, it says once: worse."""
    raised = 0
    for _ in range(300):
        old = Share(int(chance.binomial(500, before)), 500)
        counts = np.concatenate([[0], np.cumsum(chance.random(1000) < after)])
        raised += any(
            watch._rose((old, Share(int(counts[n] - counts[max(0, n - 500)]), min(n, 500))), 50)
            for n in range(50, 1001, 10)
        )
    return raised / 300


@pytest.mark.parametrize(("flagged", "code"), [(200, "flags-more"), (5, "flags-less"), (70, None)])
def test_a_flag_rate_that_doubled_or_halved_is_told(versions: Any, flagged: int, code: str | None) -> None:
    old, new = versions
    judge(old, 600, 60)
    judge(new, 600, flagged)
    seen = found()
    assert seen.findings == ([code] if code else []) and not seen.is_worse


def test_scores_that_moved_since_the_first_ones_are_told(
    versions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SAMPLE", 500)
    monkeypatch.setattr(watch, "LEAST_SCORINGS", 500)
    judge(versions[1], 500, 0, score=0.1)
    judge(versions[1], 500, 0, score=0.6)
    assert found().findings == ["scores-drift"]


def test_the_stability_index_knows_equal_and_other_populations() -> None:
    generator = random.Random(3)
    first = [generator.betavariate(1, 6) for _ in range(2000)]
    same = [generator.betavariate(1, 6) for _ in range(2000)]
    other = [generator.betavariate(2, 4) for _ in range(2000)]
    assert stability_index(first, same) < 0.05
    assert stability_index(first, other) > watch.DRIFT
    assert stability_index([0.0] * 600, [0.0] * 600) == 0.0


def test_the_interval_is_wilson_s() -> None:
    low, high = Share(10, 100).interval()
    assert (round(low, 4), round(high, 4)) == (0.046, 0.2038)
    assert Share(0, 0).interval() == (0.0, 1.0)


def test_the_page_of_the_version_says_what_was_found(versions: Any, admin_client: Client) -> None:
    for version, hidden in zip(versions, (60, 20), strict=True):
        decide(version, judge(version, 60, 60), hidden=hidden)
    watch.watch()
    page = admin_client.get(f"/admin/moderation/modelversion/{versions[1].pk}/change/").content.decode()
    assert "More of what it flags is harmless. Going back is proposed." in page
    assert "66.7 % of 60" in page
    assert 'href="/admin/moderation/modelversion/rollback/"' in page
    other = admin_client.get(f"/admin/moderation/modelversion/{versions[0].pk}/change/").content.decode()
    assert "Going back is proposed." not in other


def test_no_comment_is_in_what_is_stored(versions: Any) -> None:
    decide(versions[1], judge(versions[1], 60, 60), hidden=1)
    watch.watch()
    stored = StoredFigures.objects.get(name=watch.NAME).data
    assert set(stored) == {
        *("version", "before", "flagged", "false_alarms", "misses", "drift", "findings"),
        *("is_worse", "rolled_back", "refused"),
    }


def test_without_a_version_there_is_nothing_to_watch() -> None:
    assert watch.watch() is None
    assert health._watched().is_well
    assert not User.objects.exists()
