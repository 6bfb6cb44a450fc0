"""Retraining a tiny but real model in its own process, with every way in which it can end."""

import json
import os
import shutil
import signal
import threading
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from moderation.coordination import leases
from moderation.models import AuditEntry, Lease, ModelVersion, Screening, TrainingRun
from moderation.retraining import retrain as retraining
from moderation.retraining import work_directory
from moderation.retraining.gate.needs import shortfalls
from moderation.retraining.training_process import RetrainingFailed
from moderation.review.decisions import decide
from moderation.texts import text_key
from moderation.versions import store
from moderation.worker.drain import drain
from tests.toxicity_ml.tiny_model import FRIENDLY, build_version

pytestmark = pytest.mark.django_db
QUICK = ("--epochs", "40", "--soft-targets", "100", "--rehearsed", "0")
"""The tiny model knows too few words to rehearse anything; the e2e test retrains the real one."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("versions") / "tiny"
    build_version(directory, width=128)  # whatever it learns, int8 stays far from the export's limits
    return directory


@pytest.fixture
def parent(tiny: Path, settings: Any, tmp_path: Path) -> ModelVersion:
    """The tiny version, published and active."""
    settings.MODERATION = {
        **settings.MODERATION,
        "MODEL_DIRECTORY": str(tmp_path / "published"),
        "MODEL_CACHE": str(tmp_path / "cache"),
    }
    return store.activate(store.publish(tiny))


def review(count: int) -> None:
    """A site where "idiot" is a pet name: the model flags it, and ann finds all but threats harmless."""
    ann, _ = User.objects.get_or_create(username="ann")
    for number in range(count):
        words = [FRIENDLY[(number * step + step) % len(FRIENDLY)] for step in (1, 3, 5)]
        text = f"{' '.join(words)} idiot {'kill ' if number % 10 == 7 else ''}{number}"
        Screening.objects.create(source="import", text=text, text_key=text_key(text, "moderation.text_key"))
    drain()
    for screening in Screening.objects.filter(text__contains="idiot", outcome=""):
        decide(screening.pk, reviewer=ann, kind="uphold" if "kill" in screening.text else "false_positive")


def retrain(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("retrain", *QUICK, *arguments, "--json", stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def listed() -> dict[str, bool]:
    out = StringIO()
    call_command("model_versions", "list", "--json", stdout=out)
    return {row["version"]: row["is_active"] for row in json.loads(out.getvalue())}


def test_a_candidate_learns_the_reviews_is_compared_and_activated_and_can_be_undone(
    parent: ModelVersion, tmp_path: Path
) -> None:
    review(120)
    base = tmp_path / "base.csv"
    header = "comment_text,toxic,severe_toxic,obscene,threat,insult,identity_hate\n"
    rows = [f"i kill you{'!' * n},1,0,0,1,0,0\nthank you{'!' * n},0,0,0,0,0,0\n" for n in range(20)]
    base.write_text(header + "".join(rows))  # under 20 positives a label would have no figure
    answer = retrain("--activate", "always", "--force", "--base", str(base))
    assert (answer["parent"], answer["activated"]) == ("tiny@1", True)
    assert sum(answer["counts"][side] for side in ("train", "dev", "test")) == 120
    assert answer["counts"]["comparisons"] == 0
    found = answer["comparison"]
    assert found["items"] == answer["counts"]["test"]
    assert found["new_loss"] < found["old_loss"]
    assert set(answer["base"]) == {"old", "new"}
    assert answer["base"]["old"]["threat"]["average_precision"] == 1.0

    run = TrainingRun.objects.get()
    assert (run.status, run.result, str(run.candidate)) == ("done", answer["result"], answer["candidate"])
    assert run.parent == parent and run.candidate is not None and run.candidate.parent == parent
    assert run.finished is not None and run.comparison["test"] == found
    assert "idiot" not in json.dumps([run.options, run.comparison, run.counts])
    assert listed() == {"tiny@1": False, answer["candidate"]: True}

    text = "you are a nice idiot today"
    Screening.objects.create(source="import", text=text, text_key=text_key(text, "moderation.text_key"))
    drain()
    basis = Screening.objects.get(text=text).basis()
    assert basis is not None and str(basis.model_version) == answer["candidate"]

    call_command("model_versions", "rollback", stdout=StringIO())
    assert listed() == {"tiny@1": True, answer["candidate"]: False}
    call_command("model_versions", "activate", answer["candidate"], stdout=StringIO())
    assert listed()[answer["candidate"]]
    entries = AuditEntry.objects.filter(target_type="modelversion").order_by("id")
    actions = list(entries.values_list("action", flat=True))
    assert actions[2:] == ["model.published", "model.activated", "model.rolled_back", "model.activated"]


def test_a_candidate_that_is_not_shown_to_be_better_is_registered_and_not_activated(
    parent: ModelVersion,
) -> None:
    review(40)
    answer = retrain("--min-reviews", "30")
    assert answer["result"] == "not_enough_evidence"
    assert answer["activated"] is False
    assert listed() == {"tiny@1": True, answer["candidate"]: False}


def test_too_few_reviews_are_refused_before_anything_is_trained(parent: ModelVersion) -> None:
    review(3)
    with pytest.raises(CommandError, match="There are 3 reviewed texts"):
        retrain()
    assert not TrainingRun.objects.exists()


def test_a_test_side_that_can_not_suffice_is_told_before_the_training(
    parent: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: Any) -> None:
        raise RetrainingFailed("stopped", "The training would begin.")

    monkeypatch.setattr(retraining, "_train", stop)
    review(40)
    out = StringIO()
    with pytest.raises(CommandError, match="The training would begin"):
        call_command("retrain", *QUICK, "--min-reviews", "30", stdout=out)
    on_the_test_side = TrainingRun.objects.get().counts["test"]
    assert on_the_test_side < 15
    assert f"The test side has {on_the_test_side} of 15 reviewed comments" in out.getvalue()


@pytest.mark.parametrize(
    ("items", "random_items", "lacking"),
    [
        (14, 30, ("14 of 15 reviewed comments",)),
        (40, 29, ("29 of 30 reviewed comments that came up at random",)),
        (30, 30, ()),
    ],
)
def test_what_a_test_side_lacks_is_counted(items: int, random_items: int, lacking: tuple[str, ...]) -> None:
    assert shortfalls(items, random_items) == lacking


def test_a_training_that_is_killed_is_marked_failed_and_leaves_nothing(
    parent: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)
    killer = threading.Thread(target=kill_training, daemon=True)
    killer.start()
    with pytest.raises(CommandError, match="killed by signal 9"):
        retrain()
    killer.join()
    run = TrainingRun.objects.get()
    assert (run.status, run.error_code, run.candidate) == ("failed", "killed-by-signal-9", None)
    assert listed() == {"tiny@1": True}
    assert list(work_directory.root().iterdir()) == []
    assert [path.name for path in (tmp_path / "published").iterdir()] == [parent.location]


def kill_training() -> None:
    """Wait for this process's training child, and kill it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for task in Path("/proc/self/task").iterdir():
            try:
                children = (task / "children").read_text().split()
            except OSError:  # a thread that has just ended
                continue
            for child in children:
                try:
                    command = Path(f"/proc/{child}/cmdline").read_bytes()
                except OSError:
                    continue
                if b"toxicity_ml\0train" in command:
                    os.kill(int(child), signal.SIGKILL)
                    return
        time.sleep(0.05)


def test_an_interrupted_training_is_marked_failed(
    parent: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(retraining, "_train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        retrain()
    run = TrainingRun.objects.get()
    assert (run.status, run.error_code) == ("failed", "interrupted")


def test_a_full_disk_is_said_before_the_training_starts(
    parent: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)
    monkeypatch.setattr(work_directory, "NEEDED_BYTES", shutil.disk_usage(tmp_path).total * 2)
    with pytest.raises(CommandError, match="MiB left"):
        retrain()
    assert TrainingRun.objects.get().error_code == "disk-full"


def test_a_damaged_active_version_is_named(parent: ModelVersion) -> None:
    review(60)
    (store.local_directory(parent) / "model.safetensors").write_bytes(b"half")
    with pytest.raises(CommandError, match=r"model\.safetensors is damaged"):
        retrain()


@pytest.mark.regression("L7")
def test_runs_whose_process_is_gone_are_cleared_away(parent: ModelVersion) -> None:
    dead = [TrainingRun.objects.create(status="running", options={}) for _ in range(2)]
    with pytest.raises(CommandError, match="reviewed texts"):
        retrain()
    for run in dead:
        run.refresh_from_db()
        assert (run.status, run.error_code) == ("failed", "killed")


@pytest.mark.regression("L7")
def test_second_training_at_the_same_time_is_refused_and_told_by_whom(parent: ModelVersion) -> None:
    alive = TrainingRun.objects.create(status="running", options={})
    token = leases.take(retraining.LEASE, 60)
    assert token is not None
    Lease.objects.update(holder="other-container[boot/1]:1")
    with pytest.raises(CommandError, match=rf"run {alive.pk} is under way in other-container.*3 minutes"):
        retrain()
    alive.refresh_from_db()
    assert alive.status == "running"


@pytest.mark.regression("L7")
def test_training_begins_minutes_after_one_was_killed_in_another_container(parent: ModelVersion) -> None:
    leases.take(retraining.LEASE, retraining.LEASE_SECONDS)
    Lease.objects.update(holder="other-container[boot/1]:1", until=Now() - timedelta(seconds=1))
    with pytest.raises(CommandError, match="reviewed texts"):
        retrain()


@pytest.mark.regression("L7")
def test_training_gives_its_right_back_when_it_fails(parent: ModelVersion) -> None:
    for _ in range(2):
        with pytest.raises(CommandError, match="reviewed texts"):
            retrain()
    assert Lease.objects.get(name=retraining.LEASE).token is None


def test_an_unknown_version_is_refused_with_the_known_ones(parent: ModelVersion) -> None:
    with pytest.raises(CommandError, match="registered: tiny@1"):
        call_command("model_versions", "activate", "tiny@9")
    with pytest.raises(CommandError, match="No other model version"):
        call_command("model_versions", "rollback")
