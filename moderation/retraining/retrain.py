"""Makes a model version of reviews: learns, registers, compares it with the active one, activates the better.

Training runs in a process of its own, so that torch is never loaded here and its memory goes back.
"""

from __future__ import annotations

import errno
import json
import logging
import math
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, router, transaction

from moderation.audit import Actor
from moderation.coordination import leases
from moderation.models import ModelVersion, TrainingRun
from moderation.retraining import (
    base_corpus,
    comparing,
    run_records,
    soft_targets,
    training_data,
    wording,
    work_directory,
)
from moderation.retraining.gate import needs
from moderation.retraining.gate.verdict import BETTER, Verdict
from moderation.retraining.learning import learning
from moderation.retraining.refusals import Refused, answers, never_found, refuse_what_teaches_nothing
from moderation.retraining.run_records import Progress
from moderation.retraining.soft_targets import UNTOUCHED_WEIGHT
from moderation.retraining.splitting import TEST
from moderation.retraining.training_data import Row, Sides
from moderation.retraining.training_process import RetrainingFailed, run_classifier
from moderation.versions import artifacts, store, training_folders
from toxicity_ml.training.options import trainable_part

IF_BETTER, ALWAYS, NEVER = "if-better", "always", "never"
ACTIVATE = (IF_BETTER, ALWAYS, NEVER)
LEASE, LEASE_SECONDS = training_folders.LEASE, training_folders.LEASE_SECONDS
CHECKPOINT_STEPS = 50
NONSENSE_SHARE = 0.5
"""For each rehearsed text of `moderation.retraining.rehearsal`, so many that the library composes."""
_SEEDS = 2**32

logger = logging.getLogger("moderation.retraining")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to retrain."""

    activate: str = IF_BETTER
    """`if-better`, `always` or `never`."""
    min_reviews: int = 50
    """With fewer reviewed texts there is nothing to learn yet."""
    epochs: float = 3.0
    batch_size: int = 16
    body_lr: float = 1e-4
    head_lr: float = 5e-4
    trainable: str = "whole"
    """What of the network moves: `whole`, `last:N` layers, `head` or `lora:RANK`."""
    rehearsal_weight: float = 0.03
    """What a score that is to stay weighs beside a label. More forgets less, and learns less."""
    interpolation: float = 1.0
    """How far the candidate goes from the active version's weights to the trained ones, over 0 to 1. Less
    forgets less, and has learned less."""
    is_focal: bool = False
    """True for the focal loss (Lin et al. 2017): what the network finds easy teaches less."""
    eda: float = 0.0
    """Share of the reviewed texts that are replaced by an EDA copy, anew in each epoch."""
    noise: float = 0.0
    """Share of the reviewed texts that are misspelt, anew in each epoch."""
    soft_targets: int = 500
    """So many unreviewed texts keep their current scores, against forgetting."""
    rehearsed: int = 1000
    """So many texts of our own keep theirs as well: a young site has few comments that nobody reviewed."""
    imported: int = 2000
    """The number of texts that came with labels in a file and are learned, too, at most."""
    base: Path | None = None
    """A Jigsaw-shaped CSV: a part of it is learned again, and old and new are reported on the rest."""
    untouched_weight: float = UNTOUCHED_WEIGHT
    """How much a box counts that nobody touched; for the rest the active version's score stands."""
    seed: int = 20
    force: bool = False
    """True also activates a candidate that changes the flag or hold rate by over a quarter."""

    def __post_init__(self) -> None:
        """Raise ValueError for what no training takes: it would be found out only minutes later."""
        trainable_part(self.trainable)
        for name in ("soft_targets", "rehearsed", "imported"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is a number of texts, from 0 on.")
        if not 0 < self.interpolation <= 1:
            raise ValueError("interpolation is a share of the way, over 0 and at most 1.")
        if self.min_reviews < 1:
            raise ValueError("min_reviews is a number of texts, from 1 on.")
        if not 0 <= self.seed < _SEEDS:
            raise ValueError(f"seed is a number from 0 to {_SEEDS - 1}.")


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

    The candidate is registered in any case. A run whose process was killed is gone on with where nothing has
    changed since. username: who does it, where no user of the site does. Raises Refused where there is
    nothing to learn or another training goes on, and then changes nothing; RetrainingFailed, or
    ModelUnavailable when the active version's files are not all there: the training run then says that it
    failed, and nothing half-done stays.
    """
    token = leases.take(LEASE, LEASE_SECONDS)
    if token is None:
        running = TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING).order_by("-id").first()
        raise Refused(
            "already-running",
            f"Training run {running.pk if running else '(just begun)'} is under way in "
            f"{leases.holder(LEASE)}. Where that process was killed, the next one may begin "
            f"{LEASE_SECONDS / 60:g} minutes later, on the same machine at once.",
        )
    try:
        with leases.kept(LEASE, token, LEASE_SECONDS, renewals=None):
            return _retrain_alone(options, token, Actor.of(user, username), say)
    finally:
        leases.give_back(LEASE, token)


def _retrain_alone(options: Options, token: uuid.UUID, actor: Actor, say: Say) -> Retrained:
    parent = store.active_version()
    parent_directory = store.local_directory(parent)
    if options.base is not None:
        base_corpus.parted(options.base, parent.labels)  # a bad file is told before anything begins
    sides = training_data.sides(parent.labels, version=parent)
    asked = as_json(options)
    fingerprint = run_records.fingerprint(asked, parent, [*sides.train, *sides.dev])
    run = run_records.left_behind(fingerprint, parent)
    if run is None:
        refuse_what_teaches_nothing(sides, parent.labels, options.min_reviews)
        _say_what_is_lacking(sides, parent, say)
        run = run_records.begin(asked, parent, actor, sides.counts)
    else:
        run_records.take_up(run)
        say(f"Going on with training run {run.pk}, whose process was killed while {_stage_of(run)}.")
    training = _Training(run, parent, parent_directory, sides, options, token, actor, say)
    try:
        return training.carry_on(fingerprint)
    except BaseException as error:
        # Interrupts and SIGTERM included: a run that nobody carries on must not look as if it went on.
        run_records.finish(run, TrainingRun.Status.FAILED, error_code=_code(error))
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise RetrainingFailed(
                "disk-full", "The disk is full: make room for the training, and start it again."
            ) from error
        raise


def _say_what_is_lacking(sides: Sides, parent: ModelVersion, say: Say) -> None:
    """Say before the minutes of training what it can't learn, and that the gate can't come to a verdict."""
    if never := never_found(answers(sides.train, parent.labels)):
        say(f"Nobody found these in a text yet, so nothing is learned of when they fit: {', '.join(never)}.")
    lacking = needs.shortfalls(*comparable(sides.test))
    if lacking:
        say(
            f"The test side has {' and '.join(lacking)}: the candidate will be registered, but not shown to "
            "be better. Review more of the queue, or raise AUDIT_RATE."
        )


def comparable(rows: Sequence[Row]) -> tuple[int, int]:
    """Count the rows of a test side that stand for others, and of these the ones that came up at random."""
    drawn = [row for row in rows if row.probability is not None and not all(map(math.isnan, row.labels))]
    return len(drawn), sum(row.is_random for row in drawn)


@dataclass
class _Training:
    """One run, stage by stage; each stage finds what an earlier process of the same run has made."""

    run: TrainingRun
    parent: ModelVersion
    parent_directory: Path
    sides: Sides
    options: Options
    token: uuid.UUID
    actor: Actor
    say: Say

    def carry_on(self, fingerprint: str) -> Retrained:
        """Do the stages that are left."""
        from toxicity_ml.classifier import Classifier

        stage = _stage_of(self.run)
        progress = Progress(self.run)
        candidate = self.run.candidate
        work = work_directory.opened(self.run.pk)
        if candidate is None and stage not in (run_records.TRAINING, run_records.PUBLISHING):
            progress.stage(run_records.PREPARING, fingerprint=fingerprint)
            self._prepare(work)
        if candidate is None:
            rows = self.run.counts.get("learned", 0)
            progress.stage(run_records.TRAINING, text_epochs=rows * self.options.epochs)
            self._train(work, progress)
            progress.stage(run_records.PUBLISHING)
            candidate = self._publish(work)
        progress.stage(run_records.COMPARING)
        directory = store.local_directory(candidate)
        old, new = (Classifier.load(place, verify=False) for place in (self.parent_directory, directory))
        compared = comparing.compare(
            old,
            new,
            versions=(self.parent, candidate),
            sides=self.sides,
            rehearsed=soft_targets.rehearsed(
                old, self.options.rehearsed, self.options.seed, self.sides.rotation.number
            )[TEST],
            base_report=self._base_report(directory, work),
            seed=self.options.seed,
        )
        self.run.comparison = compared.as_dict()
        self.run.result = compared.verdict.result
        self.run.candidate = candidate
        self.run.progress = progress.end()
        return Retrained(self.run, candidate, compared, self._end(candidate, compared.verdict))

    def _end(self, candidate: ModelVersion, verdict: Verdict) -> bool:
        """Store that the run is done, and activate the candidate as the options say; True: it is active now.

        Both in one transaction: a process that is killed before its end has done neither, and the next one
        compares once more; were only the first stored, a better candidate would lie unused for good.
        """
        is_wanted = _is_wanted(verdict, self.options, self.say)
        try:
            if is_wanted:
                store.openable_directory(candidate)
            with transaction.atomic(using=router.db_for_write(TrainingRun)):
                run_records.finish(self.run, TrainingRun.Status.DONE)
                return is_wanted and self._activated(candidate)
        except BaseException as error:
            self.run.status = TrainingRun.Status.RUNNING  # as it is stored, for all was rolled back
            if isinstance(error, Exception):  # the comparison was made and is kept; the error says the rest
                run_records.finish(self.run, TrainingRun.Status.DONE)
            raise

    def _activated(self, candidate: ModelVersion) -> bool:
        """Activate the candidate, unless it was to replace what it was compared with and can't any more."""
        compared_with = self.parent if self.options.activate == IF_BETTER else None
        user, username = self.actor.user, self.actor.name
        try:
            store.activate(
                candidate, instead_of=compared_with, user=user, username=username, are_files_seen=True
            )
        except store.ActivatedMeanwhile:
            self.say(
                f"Another version than {self.parent} is active by now, and the candidate was not compared "
                "with it."
            )
            return False
        return True

    def _prepare(self, work: Path) -> None:
        """Write what is learned and chosen by."""
        from toxicity_ml.classifier import Classifier

        old = Classifier.load(self.parent_directory, verify=False)
        base = self._base()
        to_learn = learning(
            old,
            self.sides,
            unreviewed=self.options.soft_targets,
            rehearsed=self.options.rehearsed,
            elsewhere=self.options.imported,
            base=() if base is None else base.rehearsed,
            untouched_weight=self.options.untouched_weight,
            seed=self.options.seed,
        )
        to_learn.write(work / "train.csv", work / "dev.csv", work / "kept.csv", self.parent.labels)
        kept = len(to_learn.kept) + _nonsense(self.options)
        self.run.counts = {**self.run.counts, "learned": len(to_learn.learned) + kept}
        self.run.save(update_fields=["counts"])
        self.say(
            f"Learning from {len(to_learn.learned)} texts with labels, {len(self.sides.train)} of them "
            f"reviewed, and keeping the scores of {kept} others, starting from {self.parent}."
        )

    def _train(self, work: Path, progress: Progress) -> None:
        """Train in a process of its own, from its last checkpoint on; what is trained already stays."""
        if _is_whole(work / "candidate"):
            return
        shutil.rmtree(work / "candidate", ignore_errors=True)
        _let_go_of_the_database()
        _train(work, self.parent, self.parent_directory, f"site-{self.run.pk}", self.options, progress)
        if not leases.renew(LEASE, self.token, LEASE_SECONDS):
            raise RetrainingFailed(
                "taken-over", "The database was away for so long that another training began."
            )

    def _publish(self, work: Path) -> ModelVersion:
        """Register the candidate, unless an earlier process of this run has done so."""
        manifest = artifacts.read_manifest(work / "candidate")
        candidate = ModelVersion.objects.filter(manifest_sha256=manifest.sha256).first()
        if candidate is None:
            candidate = store.publish(
                work / "candidate",
                parent=self.parent,
                data_fingerprint=str((self.run.progress or {}).get("fingerprint", "")),
                user=self.actor.user,
                username=self.actor.name,
            )
        TrainingRun.objects.filter(pk=self.run.pk).update(candidate=candidate)
        return candidate

    def _base_report(self, directory: Path, work: Path) -> comparing.BaseReport:
        base = self._base()
        if base is None:
            return {}
        reported = base.write_reported(work / "base.csv", self.parent.labels)
        both = (("old", self.parent_directory), ("new", directory))
        return {name: _evaluate(place, reported, work) for name, place in both}

    def _base(self) -> base_corpus.BaseCorpus | None:
        """Read the base corpus: what of it is learned again, and what old and new are reported on."""
        return (
            None if self.options.base is None else base_corpus.parted(self.options.base, self.parent.labels)
        )


def _is_whole(directory: Path) -> bool:
    """True where a training has ended and left a version with all its files."""
    try:
        artifacts.verify(directory, artifacts.read_manifest(directory).sha256)
    except artifacts.ModelUnavailable:
        return False
    return True


def _stage_of(run: TrainingRun) -> str:
    """Return the stage in which a run was when it last said so; empty: none."""
    return str((run.progress or {}).get("stage", ""))


def _is_wanted(verdict: Verdict, options: Options, say: Say) -> bool:
    """True where the options have a candidate of this verdict activated."""
    when = options.activate
    if when == NEVER or (when == IF_BETTER and verdict.result != BETTER):
        return False
    if verdict.needs_force and not options.force:
        for line in (wording.NEEDS_FORCE, wording.before_forcing(verdict)):
            if line:
                say(str(line))
        say("Activating it by name needs no other training; --force lets the next one activate by itself.")
        return False
    return True


def _train(
    work: Path,
    parent: ModelVersion,
    parent_directory: Path,
    version: str,
    options: Options,
    on_progress: Progress,
) -> None:
    run_classifier(
        "train",
        *("--data", work / "train.csv", "--validation", work / "dev.csv"),
        *("--base-model", parent_directory, "--out", work / "candidate"),
        *("--name", parent.name, "--version", version),
        *("--epochs", options.epochs, "--batch-size", options.batch_size),
        # The last weights count: the development side is too small to choose among checkpoints by.
        *("--evaluations", 0, "--checkpoint-every", CHECKPOINT_STEPS),
        # Without weights for positives: targets may be probabilities.
        *("--class-weights", "none", *(("--loss", "focal") if options.is_focal else ())),
        *("--body-lr", options.body_lr, "--head-lr", options.head_lr, "--trainable", options.trainable),
        *("--eda", options.eda, "--noise", options.noise, "--seed", options.seed),
        *("--rehearse", work / "kept.csv", "--rehearse-own", _nonsense(options)),
        *("--rehearsal-weight", options.rehearsal_weight, "--keep-confirmed"),
        *("--interpolation", options.interpolation),
        # Fitted to the development side, which the queue brought up, it would fit no site.
        "--keep-calibration",
        output=work / "output.json",
        on_progress=on_progress,
    )


def _nonsense(options: Options) -> int:
    """Return how many texts without sense are rehearsed beside those that make sense."""
    return round(NONSENSE_SHARE * options.rehearsed)


def _evaluate(directory: Path, base: Path, work: Path) -> dict[str, dict[str, float | None]]:
    output = work / "evaluation.json"
    run_classifier("evaluate", "--model", directory, "--data", base, "--resamples", 1, output=output)
    (scorers,) = json.loads(output.read_text(encoding="utf-8"))["parts"].values()
    (report,) = scorers.values()
    return {
        label: {metric: (figures[metric] or {}).get("value") for metric in ("average_precision", "f1")}
        for label, figures in report["labels"].items()
    }


def as_json(options: Options) -> dict[str, Any]:
    """Return the options as a training run keeps them."""
    return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(options).items()}


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
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "disk-full"
    return f"error:{type(error).__name__}"[:64]
