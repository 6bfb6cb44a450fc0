"""Makes a model version of reviews: learns, registers, compares it with the active one, activates the better.

Training runs in a process of its own, so that torch is never loaded here and its memory goes back.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, router, transaction
from django.utils import timezone

from moderation.audit import Actor
from moderation.coordination import leases, processes
from moderation.models import ModelVersion, TrainingRun
from moderation.retraining import base_corpus, comparing, training_data
from moderation.retraining.gate import needs
from moderation.retraining.gate.verdict import BETTER, Verdict
from moderation.retraining.learning import learning
from moderation.retraining.soft_targets import UNTOUCHED_WEIGHT
from moderation.retraining.training_data import Row, Sides
from moderation.retraining.training_process import RetrainingFailed, run_classifier
from moderation.versions import store

IF_BETTER, ALWAYS, NEVER = "if-better", "always", "never"
ACTIVATE = (IF_BETTER, ALWAYS, NEVER)
NEEDED_BYTES = 1024**3
"""Room that a training takes for a while: checkpoints with the optimiser's state, and the result."""
LEASE = "retraining"
LEASE_SECONDS = 180.0
"""Seconds of the lease to train, renewed meanwhile: a process that has not renewed it is taken for dead."""

logger = logging.getLogger("moderation.retraining")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to retrain."""

    activate: str = IF_BETTER
    """`if-better`, `always` or `never`."""
    min_reviews: int = 50
    """With fewer reviewed texts there is nothing to learn yet."""
    epochs: float = 4.0
    batch_size: int = 16
    body_lr: float = 5e-5
    head_lr: float = 3e-4
    soft_targets: int = 1000
    """So many unreviewed texts keep their current scores, against forgetting."""
    rehearsed: int = 1000
    """Number of rehearsal texts to learn as well: a young site has few comments that nobody reviewed."""
    imported: int = 2000
    """The number of texts that came with labels in a file and are learned, too, at most."""
    base: Path | None = None
    """A Jigsaw-shaped CSV: a part of it is learned again, and old and new are reported on the rest."""
    untouched_weight: float = UNTOUCHED_WEIGHT
    """How much a box counts that nobody touched; for the rest the active version's score stands."""
    seed: int = 20
    force: bool = False
    """True also activates a candidate that changes the flag or hold rate by over a quarter."""


@dataclass(frozen=True)
class Retrained:
    """What a retraining made."""

    run: TrainingRun
    candidate: ModelVersion
    compared: comparing.Compared
    is_active: bool


def retrain(
    options: Options,
    *,
    user: AbstractBaseUser | None = None,
    username: str = "",
    say: Say = logger.info,
) -> Retrained:
    """Train a candidate from the active version on what people decided, and activate it as `options` say.

    The candidate is registered in any case. username: who does it, where no user of the site does. Raises
    RetrainingFailed, or ModelUnavailable when the active version's files are not all there; the training run
    then says that it failed, and nothing half-done stays.
    """
    token = leases.take(LEASE, LEASE_SECONDS)
    if token is None:
        running = TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING).order_by("-id").first()
        raise RetrainingFailed(
            "already-running",
            f"Training run {running.pk if running else '(just begun)'} is under way in "
            f"{leases.holder(LEASE)}. Where that process was killed, the next one may begin "
            f"{LEASE_SECONDS / 60:g} minutes later, on the same machine at once.",
        )
    try:
        _mark_the_dead()
        with leases.kept(LEASE, token, LEASE_SECONDS, renewals=None):
            return _retrain_alone(options, token, Actor.of(user, username), say)
    finally:
        leases.give_back(LEASE, token)


def _retrain_alone(options: Options, token: uuid.UUID, actor: Actor, say: Say) -> Retrained:
    parent = store.active_version()
    parent_directory = store.local_directory(parent)
    sides = training_data.sides(parent.labels, version=parent)
    texts = len({row.text_key for row in (*sides.train, *sides.dev, *sides.test)})
    if texts < options.min_reviews or not sides.train or not sides.dev:
        raise RetrainingFailed(
            "too-few-reviews",
            f"There are {texts} reviewed texts: {len(sides.train)} to learn, {len(sides.dev)} to "
            f"choose by, {len(sides.test)} to test on. {options.min_reviews} are needed, and some to learn "
            "and to choose by. Review more, or lower --min-reviews.",
        )
    _warn_of_a_small_test_side(sides.test, say)
    run = _begin(options, parent, actor, sides.counts)
    try:
        with tempfile.TemporaryDirectory(prefix="retraining-") as place:
            work = Path(place)
            return _retrain(run, work, token, parent, parent_directory, sides, options, actor, say)
    except BaseException as error:
        # Interrupts and SIGTERM included: a run that nobody carries on must not look as if it went on.
        _finish(run, TrainingRun.Status.FAILED, error_code=_code(error))
        raise


def _warn_of_a_small_test_side(rows: list[Row], say: Say) -> None:
    """Say before the minutes of training that the comparison after it can't come to a verdict."""
    comparable = [row for row in rows if row.probability is not None and not np.isnan(row.labels).all()]
    lacking = needs.shortfalls(len(comparable), sum(row.is_random for row in comparable))
    if lacking:
        say(
            f"The test side has {' and '.join(lacking)}: the candidate will be registered, but not shown to "
            "be better. Review more of the queue, or raise AUDIT_RATE."
        )


def _retrain(
    run: TrainingRun,
    work: Path,
    token: uuid.UUID,
    parent: ModelVersion,
    parent_directory: Path,
    sides: Sides,
    options: Options,
    actor: Actor,
    say: Say,
) -> Retrained:
    from toxicity_ml.classifier import Classifier

    free = shutil.disk_usage(work).free
    if free < NEEDED_BYTES:
        raise RetrainingFailed(
            "disk-full",
            f"{work.parent} has {free >> 20} MiB left; a training takes up to {NEEDED_BYTES >> 20}.",
        )
    old = Classifier.load(parent_directory, verify=False)
    base = None if options.base is None else base_corpus.parted(options.base, parent.labels)
    to_learn = learning(
        old,
        sides,
        unreviewed=options.soft_targets,
        rehearsed=options.rehearsed,
        elsewhere=options.imported,
        base=() if base is None else base.rehearsed,
        untouched_weight=options.untouched_weight,
        seed=options.seed,
    )
    to_learn.write(work / "train.csv", work / "dev.csv", parent.labels)
    reviewed = len(sides.train)
    say(
        f"Learning from {reviewed} reviewed texts, rehearsing {len(to_learn.learned) - reviewed} "
        f"others, starting from {parent}."
    )
    _let_go_of_the_database()
    _train(work, parent, parent_directory, f"site-{run.pk}", options)
    if not leases.renew(LEASE, token, LEASE_SECONDS):
        raise RetrainingFailed("taken-over", "The database was away for so long that another training began.")
    candidate = store.publish(work / "candidate", parent=parent, user=actor.user, username=actor.name)
    TrainingRun.objects.filter(pk=run.pk).update(candidate=candidate)
    new = Classifier.load(work / "candidate", verify=False)
    base_report = {}
    if base is not None:
        reported = base.write_reported(work / "base.csv", parent.labels)
        for name, directory in (("old", parent_directory), ("new", work / "candidate")):
            base_report[name] = _evaluate(directory, reported, work)
    compared = comparing.compare(
        old,
        new,
        versions=(parent, candidate),
        rows=sides.test,
        rehearsed=to_learn.rehearsed_for_test,
        base_report=base_report,
        seed=options.seed,
        earlier_comparisons=sides.rotation.earlier,
    )
    run.comparison = compared.as_dict()
    run.result = compared.verdict.result
    run.candidate = candidate
    _finish(run, TrainingRun.Status.DONE)
    is_active = _activate(candidate, parent, compared.verdict, options, actor, say)
    return Retrained(run, candidate, compared, is_active)


def _activate(
    candidate: ModelVersion,
    parent: ModelVersion,
    verdict: Verdict,
    options: Options,
    actor: Actor,
    say: Say,
) -> bool:
    when = options.activate
    if when == NEVER or (when == IF_BETTER and verdict.result != BETTER):
        return False
    if verdict.needs_force and not options.force:
        say("It would change the flag or hold rate by over a quarter: --force activates it all the same.")
        return False
    if when == IF_BETTER and store.active_version().pk != parent.pk:
        say(f"Another version than {parent} is active by now, and the candidate was not compared with it.")
        return False
    store.activate(candidate, user=actor.user, username=actor.name)
    return True


def _train(work: Path, parent: ModelVersion, parent_directory: Path, version: str, options: Options) -> None:
    run_classifier(
        "train",
        *("--data", work / "train.csv", "--validation", work / "dev.csv"),
        *("--base-model", parent_directory, "--out", work / "candidate"),
        *("--name", parent.name, "--version", version),
        *("--epochs", options.epochs, "--batch-size", options.batch_size),
        # Without weights for positives: the targets are probabilities already.
        *("--evaluations", 1, "--pos-weight-cap", 1),
        *("--body-lr", options.body_lr, "--head-lr", options.head_lr, "--seed", options.seed),
        output=work / "output.json",
    )


def _evaluate(directory: Path, base: Path, work: Path) -> dict[str, dict[str, float | None]]:
    output = work / "evaluation.json"
    run_classifier("evaluate", "--model", directory, "--data", base, "--resamples", 1, output=output)
    (scorers,) = json.loads(output.read_text(encoding="utf-8"))["parts"].values()
    (report,) = scorers.values()
    return {
        label: {metric: (figures[metric] or {}).get("value") for metric in ("average_precision", "f1")}
        for label, figures in report["labels"].items()
    }


def _begin(options: Options, parent: ModelVersion, actor: Actor, counts: dict[str, int]) -> TrainingRun:
    asked = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(options).items()}
    return TrainingRun.objects.create(
        status=TrainingRun.Status.RUNNING,
        parent=parent,
        options={**asked, "process": processes.here()},
        counts=counts,
        started_by=actor.user,
        started_by_name=actor.name,
        started=timezone.now(),
    )


def _finish(run: TrainingRun, status: TrainingRun.Status, error_code: str = "") -> None:
    if run.status == TrainingRun.Status.DONE:
        return  # the candidate is registered and compared; only its activation failed, which the error says
    with transaction.atomic(using=router.db_for_write(TrainingRun)):
        run.status, run.error_code, run.finished = status, error_code, timezone.now()
        run.save(update_fields=["status", "error_code", "finished", "comparison", "result"])


def _mark_the_dead() -> None:
    """Mark runs that seem to go on as failed: this process holds the lease, so theirs have ended."""
    for run in TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING):
        _finish(run, TrainingRun.Status.FAILED, error_code="killed")


def _let_go_of_the_database() -> None:
    """Close the connection: a training lasts longer than some servers keep an idle one."""
    connection = connections[router.db_for_write(TrainingRun)]
    if not connection.in_atomic_block:
        connection.close()


def _code(error: BaseException) -> str:
    if isinstance(error, RetrainingFailed):
        return error.code
    if isinstance(error, KeyboardInterrupt | SystemExit):
        return "interrupted"
    if isinstance(error, OSError) and error.errno == 28:
        return "disk-full"
    return f"error:{type(error).__name__}"[:64]
