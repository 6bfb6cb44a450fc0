"""`manage.py retrain` killed at four points: the active version goes on, and so does the next run."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import timedelta
from pathlib import Path

import psutil
from django.contrib.auth.models import User
from django.db.models.functions import Now

from moderation.models import AuditEntry, Lease, ModelVersion, Screening, TrainingRun
from moderation.retraining import work_directory
from moderation.retraining.retrain import LEASE, LEASE_SECONDS
from moderation.review.decisions import decide
from moderation.texts import text_key
from moderation.versions import store
from moderation.worker.drain import drain
from mysite.demo.processes import Child
from tests.faults.workers import Workers
from tests.toxicity_ml.tiny_model import FRIENDLY, build_version

FIRST, SECOND = 50, 100
"""Steps of the first two checkpoints."""
QUICK = ("--epochs", "50", "--soft-targets", "0", "--rehearsed", "0", "--activate", "always", "--force")


def test_a_retraining_killed_at_four_points_harms_nothing_and_the_next_goes_on(
    workers: Workers, model_directory: Path, tmp_path: Path
) -> None:
    """SIGKILL to a real process: while it writes what is learned, trains, publishes and compares."""
    build_version(tmp_path / "tiny", width=128)  # whatever it learns, int8 stays far from the export's limits
    active = store.activate(store.publish(tmp_path / "tiny"))
    _review(60)
    stands = tmp_path / "stands"

    def standing(at: str) -> Child:
        """Start a run, and wait until it stands still at that file."""
        stands.unlink(missing_ok=True)
        standing_still = {"PYTHONPATH": str(Path(__file__).parent / "standing")}
        standing_still |= {"STAND_AT": at, "STANDS": str(stands)}
        process = workers.start_command("retrain", *QUICK, environment=standing_still)
        workers.wait_for(stands.exists, f"the run to come to {at}")
        return process

    def killed(process: Child, *, stage: str) -> TrainingRun:
        """Kill it alone, without its child; what it says of itself then."""
        os.kill(process.process.pid, signal.SIGKILL)
        process.process.wait()
        workers.running.remove(process)
        standing = int(stands.read_text())
        workers.wait_for(lambda: not psutil.pid_exists(standing), "the process of its training to end, too")
        assert Lease.objects.filter(
            name=LEASE, token__isnull=False, until__lte=Now() + timedelta(seconds=LEASE_SECONDS)
        ).exists()  # on another machine, the next one may begin in minutes
        run = TrainingRun.objects.get()
        assert (run.status, (run.progress or {})["stage"]) == ("running", stage)
        assert store.active_version() == active
        assert _scored_by() == active
        return run

    first = standing(r"write .*/dev\.csv")
    beside = workers.start_command("retrain", *QUICK)
    assert workers.wait_for_end(beside) == 2
    assert "is under way in" in beside.log.read_text()
    run = killed(first, stage="preparing")
    work = work_directory.of_run(run.pk)
    assert (work / "train.csv").exists() and not (work / "dev.csv").exists()

    killed(standing(rf"write .*/checkpoint-{SECOND}/whole\.json"), stage="training")
    checkpoints = work / "candidate.work" / "checkpoints"
    assert {place.parent.name for place in checkpoints.glob("*/whole.json")} == {f"checkpoint-{FIRST}"}

    published = re.escape(str(model_directory))
    killed(standing(rf"write {published}/.*site-{run.pk}.*/manifest\.json"), stage="publishing")
    assert _first_step(work / "output.progress") == FIRST, "the training began anew"
    assert list(ModelVersion.objects.all()) == [active]
    assert _audited() == ["model.published", "model.activated"]

    killed(standing(rf"read {published}/.*site-{run.pk}.*/manifest\.json"), stage="comparing")
    candidate = ModelVersion.objects.exclude(pk=active.pk).get()
    assert not candidate.is_active and candidate.version == f"site-{run.pk}"
    assert _audited() == ["model.published", "model.activated", "model.published"]

    last = workers.start_command("retrain", *QUICK)
    assert workers.wait_for_end(last) == 0, last.last_lines()
    run.refresh_from_db()
    assert (run.status, run.error_code, run.candidate) == ("done", "", candidate)
    assert (run.progress or {})["resumed"] == 4
    assert store.active_version() == candidate == _scored_by()
    assert store.local_directory(candidate).is_dir()  # each file by its checksum
    assert _audited()[3:] == ["model.activated"]
    assert not list(work_directory.root().iterdir())
    assert Lease.objects.get(name=LEASE).token is None


def _review(count: int) -> None:
    """A site where "idiot" is a pet name, and where threats are none."""
    ann = User.objects.create(username="ann")
    for number in range(count):
        words = [FRIENDLY[(number * step + step) % len(FRIENDLY)] for step in (1, 3, 5)]
        _screen(f"{' '.join(words)} {'kill' if number % 4 == 0 else 'idiot'} {number}")
    drain()
    for screening in Screening.objects.exclude(verdict="clear").order_by("pk"):
        decide(screening.pk, reviewer=ann, kind="uphold" if "kill" in screening.text else "false_positive")


def _scored_by() -> ModelVersion:
    """Post a text, screen it, and return the version that judged it."""
    screening = _screen(f"you are a nice friend {Screening.objects.count()}")
    drain()
    basis = Screening.objects.get(pk=screening.pk).basis()
    assert basis is not None
    return basis.model_version


def _screen(text: str) -> Screening:
    key = text_key(text, "moderation.text_key")
    return Screening.objects.create(source="import", text=text, text_key=key)


def _first_step(progress: Path) -> int:
    """Return the first step that a training process told of."""
    told = [json.loads(line) for line in progress.read_text().splitlines()]
    return int(next(line["step"] for line in told if line["stage"] == "training"))


def _audited() -> list[str]:
    entries = AuditEntry.objects.filter(action__startswith="model.").order_by("id")
    return list(entries.values_list("action", flat=True))
