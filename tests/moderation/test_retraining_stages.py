"""A retraining by stages, with a training that only copies: killed and gone on with, refused, planned."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections, router
from django.db.models import QuerySet
from django.utils import timezone

from moderation.coordination import leases
from moderation.models import Contradiction, Lease, ModelVersion, Review, Screening, TrainingRun
from moderation.retraining import comparing, planning, probing, run_records, schedule, work_directory
from moderation.retraining import retrain as retraining
from moderation.retraining.retrain import Options
from moderation.retraining.training_process import RetrainingFailed
from moderation.review.decisions import decide
from moderation.texts import text_key
from moderation.versions import store
from moderation.worker.drain import drain
from moderation.worker.sweep import sweep
from tests.toxicity_ml.tiny_model import FRIENDLY, build_version
from toxicity_ml.cli import train

pytestmark = pytest.mark.django_db
QUICK = Options(soft_targets=10, rehearsed=0, min_reviews=20)


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the process runs any more."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("versions") / "tiny"
    build_version(directory)
    return directory


@pytest.fixture
def parent(tiny: Path, settings: Any, tmp_path: Path) -> ModelVersion:
    settings.MODERATION = {
        **settings.MODERATION,
        "MODEL_DIRECTORY": str(tmp_path / "published"),
        "MODEL_CACHE": str(tmp_path / "cache"),
    }
    return store.activate(store.publish(tiny))


@pytest.fixture
def trained(tiny: Path, parent: ModelVersion, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Training copies the tiny version; the list tells how often, and what the learned file held."""
    learned: list[str] = []

    def copy(work: Path, of: ModelVersion, directory: Path, version: str, *_: Any, **__: Any) -> None:
        learned.append((work / "train.csv").read_text(encoding="utf-8"))
        copy_as(tiny, work / "candidate", version)

    monkeypatch.setattr(retraining, "_train", copy)
    monkeypatch.setattr(probing, "probe", lambda *_: [])  # test_probing has it
    return learned


def copy_as(tiny: Path, directory: Path, version: str) -> None:
    shutil.copytree(tiny, directory)
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    (directory / "manifest.json").write_text(json.dumps(manifest | {"version": version}), encoding="utf-8")


def review(count: int, *, toxic: int = 4, kinds: tuple[str, str] = ("false_positive", "uphold")) -> None:
    """Every item is flagged; each `toxic`-th is upheld, and the others are harmless."""
    ann, _ = User.objects.get_or_create(username="ann")
    for number in range(count):
        words = [FRIENDLY[(number * step + step) % len(FRIENDLY)] for step in (1, 3, 5)]
        word = "kill" if toxic and number % toxic == 0 else "idiot"
        text = f"{' '.join(words)} {word} {number}"
        Screening.objects.create(source="import", text=text, text_key=text_key(text, "moderation.text_key"))
    drain()
    for screening in Screening.objects.filter(outcome="").exclude(verdict="clear").order_by("pk"):
        decide(screening.pk, reviewer=ann, kind=kinds["kill" in screening.text])


def killed_in(monkeypatch: pytest.MonkeyPatch, where: Any, name: str) -> None:
    """Run a retraining whose process is killed when it calls that function."""

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(where, name, kill)
        dying.setattr(run_records, "finish", lambda *_, **__: None)
        with pytest.raises(Killed):
            retraining.retrain(QUICK)


@pytest.mark.parametrize(
    ("where", "name", "stage", "trainings"),
    [
        (retraining, "learning", "preparing", 1),
        (retraining, "_train", "training", 1),
        (comparing, "compare", "comparing", 1),
    ],
)
def test_a_run_whose_process_was_killed_is_gone_on_with(
    trained: list[str],
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    stage: str,
    trainings: int,
) -> None:
    review(60)
    killed_in(monkeypatch, where, name)
    run = TrainingRun.objects.get()
    assert (run.status, (run.progress or {})["stage"]) == ("running", stage)
    assert run.updated is not None
    assert work_directory.of_run(run.pk).is_dir()
    said: list[str] = []
    done = retraining.retrain(QUICK, say=said.append)
    assert done.run.pk == run.pk and TrainingRun.objects.count() == 1
    assert f"Going on with training run {run.pk}, whose process was killed while {stage}." in said
    assert len(trained) == trainings
    run.refresh_from_db()
    assert (run.status, run.error_code) == ("done", "")
    told = run.progress or {}
    assert "comparing" in told["seconds"] and told["resumed"] == 1
    assert run.candidate is not None and run.candidate.version == f"site-{run.pk}"
    assert not list(work_directory.root().iterdir())


def test_what_was_killed_while_it_registered_its_candidate_registers_it_once(
    trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)
    publish = store.publish

    def killed_after(*arguments: Any, **given: Any) -> ModelVersion:
        publish(*arguments, **given)
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(store, "publish", killed_after)
        dying.setattr(run_records, "finish", lambda *_, **__: None)
        with pytest.raises(Killed):
            retraining.retrain(QUICK)
    done = retraining.retrain(QUICK)
    assert len(trained) == 1
    assert ModelVersion.objects.exclude(pk=done.candidate.pk).filter(version__startswith="site-").count() == 0


def test_a_killed_run_that_would_learn_something_else_now_starts_clean(
    trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)
    killed_in(monkeypatch, retraining, "_train")
    dead = TrainingRun.objects.get()
    left = work_directory.of_run(dead.pk)
    assert "idiot" in (left / "train.csv").read_text(encoding="utf-8")
    review(70)
    done = retraining.retrain(QUICK)
    dead.refresh_from_db()
    assert (dead.status, dead.error_code) == ("failed", "killed")
    assert done.run.pk != dead.pk and not left.exists()


def better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every candidate found better."""
    compare = comparing.compare

    def found_better(*args: Any, **given: Any) -> comparing.Compared:
        compared = compare(*args, **given)
        return replace(compared, verdict=replace(compared.verdict, result="better", needs_force=False))

    monkeypatch.setattr(comparing, "compare", found_better)


def test_a_run_that_is_killed_before_it_activates_is_not_done_and_activates_when_it_is_gone_on_with(
    trained: list[str], monkeypatch: pytest.MonkeyPatch, parent: ModelVersion
) -> None:
    review(60)
    better(monkeypatch)
    real = run_records.finish

    def kill(*_: Any, **__: Any) -> None:
        dying.setattr(run_records, "finish", lambda *_, **__: None)  # whoever is killed tidies nothing
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(store, "activate", kill)
        with pytest.raises(Killed):
            retraining.retrain(QUICK)
    assert run_records.finish is real
    run = TrainingRun.objects.get()
    assert (run.status, store.active_version()) == ("running", parent)
    done = retraining.retrain(QUICK)
    assert (done.run.pk, done.is_active, len(trained)) == (run.pk, True, 1)
    run.refresh_from_db()
    assert run.status == "done" and store.active_version() == run.candidate


def test_a_candidate_whose_files_are_gone_is_compared_and_not_activated(
    trained: list[str], monkeypatch: pytest.MonkeyPatch, parent: ModelVersion
) -> None:
    review(60)
    better(monkeypatch)

    def gone(*_: Any, **__: Any) -> None:
        raise store.ModelUnavailable("model.onnx cannot be read.")

    monkeypatch.setattr(store, "openable_directory", gone)
    with pytest.raises(CommandError, match=r"model\.onnx cannot be read"):
        call_command("retrain", "--min-reviews", "20", "--rehearsed", "0", stdout=StringIO())
    run = TrainingRun.objects.get()
    assert (run.status, run.result, store.active_version()) == ("done", "better", parent)


def test_what_somebody_activates_while_the_candidate_is_activated_is_not_replaced(
    trained: list[str], monkeypatch: pytest.MonkeyPatch, parent: ModelVersion, tiny: Path, tmp_path: Path
) -> None:
    review(60)
    better(monkeypatch)
    copy_as(tiny, tmp_path / "other", "other")
    other = store.publish(tmp_path / "other")
    look = store.openable_directory

    def meanwhile(version: ModelVersion) -> Path:
        monkeypatch.setattr(store, "openable_directory", look)
        store.activate(other)
        return look(version)

    monkeypatch.setattr(store, "openable_directory", meanwhile)
    said: list[str] = []
    done = retraining.retrain(QUICK, say=said.append)
    assert not done.is_active and store.active_version() == other
    assert any("is active by now, and the candidate was not compared with it" in line for line in said)
    assert TrainingRun.objects.get().status == "done"


def test_a_run_that_lost_its_lease_leaves_the_folder_of_the_one_that_took_over(
    trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)

    def taken_over(*_: Any, **__: Any) -> None:
        Lease.objects.filter(name=retraining.LEASE).update(token=uuid.uuid4())
        work_directory.opened(999)

    monkeypatch.setattr(retraining, "_train", taken_over)
    with pytest.raises(RetrainingFailed, match="another training began"):
        retraining.retrain(QUICK)
    assert [place.name for place in work_directory.root().iterdir()] == ["run-999"]


def age(folder: Path, hours: float) -> None:
    """Nothing in the folder was written since so many hours ago."""
    then = time.time() - 3600 * hours
    for path in (folder, *folder.iterdir()):
        os.utime(path, (then, then))


def by_schedule() -> None:
    schedule.run_what_is_wanted()


def by_sweep() -> None:
    sweep(load=lambda _: lambda texts: [{} for _ in texts])


@pytest.mark.parametrize("look", [by_schedule, by_sweep])
def test_what_a_killed_run_left_goes_after_a_day_though_no_other_run_comes(
    trained: list[str], monkeypatch: pytest.MonkeyPatch, look: Callable[[], None]
) -> None:
    review(60)
    killed_in(monkeypatch, retraining, "_train")
    dead = TrainingRun.objects.get()
    left = work_directory.of_run(dead.pk)
    assert "idiot" in (left / "train.csv").read_text(encoding="utf-8")
    age(left, 23)
    look()
    assert left.is_dir()
    age(left, 25)
    token = leases.take(retraining.LEASE, 60)
    assert token is not None
    look()
    assert left.is_dir()  # a training goes on, which removes it when it ends
    leases.give_back(retraining.LEASE, token)
    look()
    assert not left.exists()
    dead.refresh_from_db()
    assert (dead.status, dead.error_code) == ("failed", "killed") and dead.finished is not None
    assert retraining.retrain(QUICK).run.pk != dead.pk


def test_what_a_killed_run_left_outlives_no_blanked_text(
    trained: list[str], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    review(60)
    killed_in(monkeypatch, retraining, "_train")
    left = work_directory.of_run(TrainingRun.objects.get().pk)
    settings.MODERATION = {**settings.MODERATION, "RETENTION_DAYS": 30}
    by_sweep()
    assert left.is_dir()
    Screening.objects.update(created=timezone.now() - timedelta(days=31))
    by_sweep()
    assert not Screening.objects.filter(blanked=None, outcome="show").exists()
    assert not left.exists()


def test_what_a_killed_run_left_is_removed_by_hand(
    trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)
    killed_in(monkeypatch, retraining, "_train")
    out = StringIO()
    call_command("blank_texts", "--dry-run", stdout=out)
    assert work_directory.of_run(TrainingRun.objects.get().pk).is_dir()
    call_command("blank_texts", stdout=out)
    assert "removed what killed trainings left on this machine: 1 folder(s)" in out.getvalue()
    assert not list(work_directory.root().iterdir())


def test_an_interrupted_run_leaves_no_text_behind(
    trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparing, "compare", interrupted)
    with pytest.raises(KeyboardInterrupt):
        retraining.retrain(QUICK)
    run = TrainingRun.objects.get()
    assert (run.status, run.error_code) == ("failed", "interrupted")
    assert not list(work_directory.root().iterdir())


def test_a_disk_that_fills_up_while_files_are_written_is_told_as_such(
    trained: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(retraining, "learning", full)
    with pytest.raises(RetrainingFailed, match="The disk is full"):
        retraining.retrain(QUICK)
    assert TrainingRun.objects.get().error_code == "disk-full"


def one_review() -> None:
    review(1, toxic=0)


def nothing() -> None:
    pass


def all_harmless() -> None:
    review(60, toxic=0)


def all_harmful() -> None:
    review(60, kinds=("uphold", "uphold"))


@pytest.mark.parametrize(
    ("decided", "message"),
    [
        (nothing, "no reviewed texts yet"),
        (one_review, "One of the reviewed texts teaches nothing"),
        (all_harmless, "Every decision says harmless"),
        (all_harmful, "No decision says of any label that it does not fit"),
    ],
)
def test_what_teaches_nothing_is_refused_with_exit_code_2_and_changes_nothing(
    trained: list[str], decided: Callable[[], None], message: str
) -> None:
    decided()
    for arguments in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match=message) as refused:
            call_command("retrain", "--min-reviews", "20", *arguments, stdout=StringIO())
        assert refused.value.returncode == 2
    assert not TrainingRun.objects.exists() and not trained
    assert not work_directory.root().exists() or not list(work_directory.root().iterdir())


@pytest.mark.parametrize(("asked", "share"), [((), 1.0), (("--interpolation", "0.7"), 0.7)])
def test_the_training_is_told_how_far_from_the_active_weights_to_go(
    parent: ModelVersion, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...], share: float
) -> None:
    """As the library's own command line reads it; and the run keeps it."""
    told: list[str] = []

    def tell(command: str, *arguments: object, **_: object) -> None:
        told.extend(map(str, arguments))
        raise RetrainingFailed("told", "It was told.")

    monkeypatch.setattr(retraining, "run_classifier", tell)
    review(60)
    options = ("--min-reviews", "20", "--rehearsed", "0", *asked)
    with pytest.raises(CommandError, match="It was told"):
        call_command("retrain", *options, stdout=StringIO())
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    assert train.options_from(parser.parse_args(told)).interpolation == share
    assert TrainingRun.objects.get().options["interpolation"] == share


def test_absurd_options_are_refused_with_exit_code_2_before_anything_is_looked_at(db: None) -> None:
    for *given, match in (
        ("--trainable", "everything", "names nothing to train"),
        ("--trainable", "last:0", "names nothing to train"),
        ("--soft-targets", "-1", "soft_targets is a number of texts"),
        ("--rehearsed", "-1", "rehearsed is a number of texts"),
        ("--imported", "-1", "imported is a number of texts"),
        ("--min-reviews", "0", "min_reviews is a number of texts, from 1"),
        ("--interpolation", "0", "interpolation is a share of the way, over 0"),
        ("--seed", "-1", "seed is a number from 0"),
        ("--seed", str(2**32), "seed is a number from 0"),
        ("--report", "/nowhere/report.html", "can't be written"),
        ("--report", "/", "can't be written"),
    ):
        for more in ([], ["--dry-run"]):
            with pytest.raises(CommandError, match=match) as refused:
                call_command("retrain", *given, *more, stdout=StringIO())
            assert refused.value.returncode == 2
    assert not TrainingRun.objects.exists() and not ModelVersion.objects.exists()


def test_a_report_is_for_its_owner_alone_to_read_and_missing_it_undoes_nothing(
    trained: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review(60)
    page = tmp_path / "report.html"
    options = ("--min-reviews", "20", "--rehearsed", "0", "--report", str(page), "--json")
    call_command("retrain", *options, stdout=StringIO())
    assert page.stat().st_mode & 0o777 == 0o600 and "</html>" in page.read_text(encoding="utf-8")

    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("moderation.admin.training_report.page.as_file", full)
    out = StringIO()
    with pytest.raises(CommandError, match=r"is done, but .* could not be written \(No space left") as error:
        call_command("retrain", *options, stdout=out)
    assert error.value.returncode == 1 and json.loads(out.getvalue())["candidate"]
    assert list(TrainingRun.objects.values_list("status", flat=True)) == ["done", "done"]


@pytest.mark.parametrize("content", [b"words,toxic\nx,1\n", b"text,toxic\nkestrel,yes\n", b"text\xff"])
def test_a_bad_base_corpus_is_refused_with_exit_code_2_and_changes_nothing(
    trained: list[str], tmp_path: Path, content: bytes
) -> None:
    review(60)
    path = tmp_path / "base.csv"
    path.write_bytes(content)
    for arguments in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match=r"The base corpus base\.csv") as refused:
            call_command("retrain", "--base", str(path), "--min-reviews", "20", *arguments, stdout=StringIO())
        assert refused.value.returncode == 2
    assert not TrainingRun.objects.exists() and not trained


def said_of_each(labels: Callable[[int], dict[str, bool]]) -> None:
    """60 decisions; each says so of these labels, and nothing of any other."""
    for number in range(60):
        words = [FRIENDLY[(number * step + step) % len(FRIENDLY)] for step in (1, 3, 5)]
        text = f"{' '.join(words)} {number}"
        row = Screening.objects.create(
            source="import",
            text=text,
            text_key=text_key(text, "moderation.text_key"),
            status="done",
            verdict="flagged",
            queued_for="flagged",
            sampling_probability=1.0,
            outcome="hide",
            reviewed=timezone.now(),
        )
        Review.objects.create(
            screening=row,
            number=1,
            kind="decision",
            decision="relabel",
            outcome="hide",
            labels=labels(number),
        )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"threat": True}, "No decision says of any label that it does not fit"),
        ({"threat": False}, "Every decision says harmless"),
        ({"threat": True, "insult": False}, "Of no label is there both a text that it fits"),
        ({"spam": True}, "no reviewed texts yet"),
    ],
)
def test_labels_that_all_have_one_answer_are_refused_with_exit_code_2(
    trained: list[str], labels: dict[str, bool], message: str
) -> None:
    """One label only; a label that is never found; two labels; labels that the active version has not."""
    said_of_each(lambda _: labels)
    with pytest.raises(CommandError, match=message) as refused:
        call_command("retrain", "--min-reviews", "20", stdout=StringIO())
    assert refused.value.returncode == 2
    assert not TrainingRun.objects.exists() and not trained


def test_one_label_with_both_answers_is_learned(trained: list[str]) -> None:
    said_of_each(lambda number: {"threat": number % 4 == 0})
    said: list[str] = []
    assert retraining.retrain(QUICK, say=said.append).run.status == "done"
    (line,) = [line for line in said if "Nobody found these" in line]
    assert "threat" not in line and "insult" in line


def test_labels_that_nobody_found_are_named_and_the_rest_is_learned(trained: list[str]) -> None:
    review(60)
    said: list[str] = []
    retraining.retrain(QUICK, say=said.append)
    (line,) = [line for line in said if "Nobody found these" in line]
    assert "identity_hate" in line and "threat" not in line


def test_a_plan_says_what_is_lacking_and_changes_nothing(trained: list[str], settings: Any) -> None:
    review(40)
    out = StringIO()
    call_command("retrain", "--dry-run", "--min-reviews", "20", "--json", stdout=out)
    plan = json.loads(out.getvalue())
    assert not plan["can_decide"]
    assert plan["random_items"] == 0 and plan["more_random"] == 120 and plan["days"] is None
    assert plan["answers"]["threat"][0] > 0 and plan["answers"]["identity_hate"][0] == 0
    assert plan["minutes"] > 0 and plan["minutes_from"] == "probe"
    out = StringIO()
    call_command("retrain", "--dry-run", "--min-reviews", "20", stdout=out)
    assert (
        "Collect 120 more random reviews: none was made in the last 28 days. AUDIT_RATE is" in out.getvalue()
    )
    assert not TrainingRun.objects.exists()


def test_a_plan_counts_the_days_that_random_reviews_take(trained: list[str]) -> None:
    review(60)
    assert not [line for line in planning.lines(planning.plan(QUICK)) if "Contradictions" in line]
    Contradiction.objects.create(kind="reviewer", key="reviewer ann", reviewer_name="ann")
    assert "decisions that wait for a lead: 1." in "\n".join(planning.lines(planning.plan(QUICK)))
    first = Review.objects.order_by("id")[0]
    others = Screening.objects.exclude(outcome="").exclude(pk=first.screening_id)
    audit = others.order_by("pk").values_list("pk", flat=True)[:28]
    Screening.objects.filter(pk__in=list(audit)).update(queued_for="audit", sampling_probability=0.05)
    assert planning.plan(QUICK).random_per_day == 28.0, "a site that is hours old has had one day"
    QuerySet(Review).filter(pk=first.pk).update(created=timezone.now() - timedelta(days=40))
    plan = planning.plan(QUICK)
    assert plan.random_per_day == pytest.approx(1.0)
    assert plan.more_random == (30 - plan.random_items) * 4
    assert plan.days == plan.more_random
    assert f"about {plan.days} days at this rate (1.0 a day)" in planning.lines(plan)[-1]


def test_an_earlier_run_says_how_long_the_next_takes(trained: list[str]) -> None:
    review(60)
    done = retraining.retrain(QUICK)
    text_epochs = (done.run.progress or {})["text_epochs"]
    done.run.progress = {"seconds": {"training": 600.0, "comparing": 60.0}, "text_epochs": text_epochs}
    done.run.save()
    plan = planning.plan(QUICK)
    assert plan.minutes_from == "earlier run"
    learned = text_epochs / QUICK.epochs
    assert plan.minutes == pytest.approx(10 * plan.learned / learned + 1)


def test_a_second_training_beside_it_cannot_and_says_so_with_exit_code_2(parent: ModelVersion) -> None:
    from moderation.coordination import leases

    assert leases.take(retraining.LEASE, 60) is not None
    Lease.objects.update(holder="other-container[boot/1]:1")
    with pytest.raises(CommandError, match="is under way in other-container") as refused:
        call_command("retrain", stdout=StringIO())
    assert refused.value.returncode == 2


@pytest.mark.parametrize(("force", "is_active"), [(False, False), (True, True)])
def test_a_change_of_a_rate_by_over_a_quarter_is_activated_by_force_alone(
    trained: list[str], monkeypatch: pytest.MonkeyPatch, force: bool, is_active: bool
) -> None:
    review(60)
    from moderation.retraining import traffic
    from moderation.retraining.gate import guards

    changed = traffic.Treatment(100, (guards.rate(guards.FLAG_RATE, 70, 20, 100),), (), ())
    monkeypatch.setattr(traffic, "treatment", lambda *_: changed)
    said: list[str] = []
    options = Options(activate="always", soft_targets=10, rehearsed=0, min_reviews=20, force=force)
    done = retraining.retrain(options, say=said.append)
    assert done.compared.verdict.needs_force
    assert done.is_active is is_active
    assert any("--force" in line for line in said) is not force


def test_sites_that_share_a_cache_have_folders_of_their_own(
    parent: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = work_directory.root()
    told = connections[router.db_for_write(TrainingRun)].settings_dict
    with monkeypatch.context() as elsewhere:
        elsewhere.setitem(told, "NAME", "another site's")
        theirs = work_directory.opened(1)
    work_directory.opened(1)
    work_directory.remove_all()
    assert theirs.is_dir() and not theirs.is_relative_to(ours)
    assert not list(ours.iterdir())
