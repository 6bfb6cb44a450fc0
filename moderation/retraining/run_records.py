"""The row of a training run: begun, how far it is, taken up again after its process was killed, finished."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DatabaseError, connections, router, transaction
from django.utils import timezone

from moderation.audit import Actor
from moderation.coordination import processes
from moderation.models import ModelVersion, TrainingRun
from moderation.retraining import work_directory
from moderation.retraining.training_data import Row

PREPARING, TRAINING, PUBLISHING, COMPARING = "preparing", "training", "publishing", "comparing"
STAGES = (PREPARING, TRAINING, PUBLISHING, COMPARING)
EVERY_SECONDS = 3.0
"""How often the steps of a stage are written down at most."""


class Progress:
    """Writes down how far a run is: `TrainingRun.progress` and `updated`."""

    def __init__(self, run: TrainingRun) -> None:
        self.run = run
        self._told: dict[str, Any] = dict(run.progress or {})
        self._told.setdefault("seconds", {})
        self._began = self._written = time.monotonic()

    def stage(self, name: str, **more: Any) -> None:
        """Note that a stage begins, and how long the one before it took. more: kept beside it."""
        self._end_stage()
        for key in ("step", "steps", "seconds_left"):
            self._told.pop(key, None)
        self._told |= {"stage": name, **more}
        self._write()

    def __call__(self, told: Mapping[str, Any]) -> None:
        """Take what the training process says of its steps; written every EVERY_SECONDS."""
        self._told |= {key: told.get(key) for key in ("step", "steps", "seconds_left")}
        if time.monotonic() - self._written >= EVERY_SECONDS:
            try:
                self._write()
            except DatabaseError:  # it may be back at the next step, and the training goes on meanwhile
                connections[router.db_for_write(TrainingRun)].close()

    def end(self) -> dict[str, Any]:
        """Return what the row keeps once the run is done: how long each stage took."""
        self._end_stage()
        kept = ("seconds", "fingerprint", "resumed", "text_epochs")
        return {key: self._told[key] for key in kept if key in self._told}

    def _end_stage(self) -> None:
        now = time.monotonic()
        if stage := self._told.get("stage"):
            seconds = self._told["seconds"]
            seconds[stage] = round(seconds.get(stage, 0) + now - self._began, 1)
        self._began = now

    def _write(self) -> None:
        self._written = time.monotonic()
        self.run.progress, self.run.updated = self._told, timezone.now()
        TrainingRun.objects.filter(pk=self.run.pk).update(
            progress=self.run.progress, updated=self.run.updated
        )


def begin(asked: dict[str, Any], parent: ModelVersion, actor: Actor, counts: dict[str, int]) -> TrainingRun:
    """Store a run that begins now. asked: the options, as JSON holds them."""
    return TrainingRun.objects.create(
        status=TrainingRun.Status.RUNNING,
        parent=parent,
        options={**asked, "process": processes.here()},
        counts=counts,
        started_by=actor.user,
        started_by_name=actor.name,
        started=timezone.now(),
    )


def finish(run: TrainingRun, status: TrainingRun.Status, error_code: str = "") -> None:
    """Store how a run ended, and remove its folder.

    Its own alone: a run that has lost the lease ends beside the one that took over.
    """
    work_directory.remove(run.pk)
    if run.status == TrainingRun.Status.DONE:
        return  # the candidate is registered and compared; only its activation failed, which the error says
    with transaction.atomic(using=router.db_for_write(TrainingRun)):
        run.status, run.error_code, run.finished = status, error_code, timezone.now()
        run.save(update_fields=["status", "error_code", "finished", "comparison", "result", "progress"])


def left_behind(fingerprint: str, parent: ModelVersion) -> TrainingRun | None:
    """Return the run to go on with, whose process was killed; mark all others that seem to go on as failed.

    This process holds the lease, so theirs have ended. A run is gone on with where it would learn just the
    same from the same version, and its folder is on this machine or its candidate is registered.
    """
    resumed = None
    for run in TrainingRun.objects.filter(status=TrainingRun.Status.RUNNING).order_by("-id"):
        told = run.progress or {}
        is_the_same = run.parent_id == parent.pk and told.get("fingerprint") == fingerprint
        is_here = run.candidate_id is not None or work_directory.of_run(run.pk).is_dir()
        if resumed is None and is_the_same and is_here:
            resumed = run
        else:
            mark_dead(run)
    work_directory.remove_all(but=resumed.pk if resumed else None)
    return resumed


def mark_dead(run: TrainingRun) -> None:
    """Mark a run as failed whose process was killed."""
    run.status, run.error_code, run.finished = TrainingRun.Status.FAILED, "killed", timezone.now()
    run.save(update_fields=["status", "error_code", "finished"])


def take_up(run: TrainingRun) -> None:
    """Store that this process goes on with a run."""
    run.options = {**run.options, "process": processes.here()}
    run.progress = {**(run.progress or {}), "resumed": (run.progress or {}).get("resumed", 0) + 1}
    run.save(update_fields=["options", "progress"])


def fingerprint(asked: Mapping[str, Any], parent: ModelVersion, rows: Iterable[Row]) -> str:
    """Return a hash of what a training would learn, from what and how; of keys and labels, no texts."""
    digest = hashlib.sha256()
    learned_by = {key: value for key, value in asked.items() if key not in ("activate", "force")}
    digest.update(json.dumps([learned_by, parent.manifest_sha256], sort_keys=True, default=str).encode())
    for row in rows:
        digest.update(f"{row.text_key} {row.labels} {row.weight:.6g}\n".encode())
    return digest.hexdigest()
