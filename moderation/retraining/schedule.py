"""Decides when a training is due, and carries out the one that a person asked for or the schedule wants.

What a person asks for is a queued row of `TrainingRun`, so nothing is lost while the broker or the training
worker is away.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import InterfaceError, OperationalError, router, transaction
from django.utils import timezone

from moderation import audit
from moderation.audit import Action, Actor
from moderation.conf import conf
from moderation.coordination.turns import TRAININGS, wait_for_turn
from moderation.models import Review, TrainingRun
from moderation.retraining.training_process import RetrainingFailed
from moderation.versions import training_folders

RETRY = timedelta(hours=24)
"""After a run that failed, the schedule waits for this long; a person need not."""
ALREADY_RUNNING = "already-running"

logger = logging.getLogger("moderation.retraining")


@dataclass(frozen=True)
class Due:
    """Whether the schedule wants a training now."""

    is_due: bool
    new_decisions: int
    """Since the last training that was done."""
    needed: int
    """RETRAIN_AFTER; 0: the schedule wants none."""
    why_not: str = ""
    """`off`, `too-few-decisions`, `failed-lately`; empty where it is due."""


def due() -> Due:
    """Tell whether RETRAIN_AFTER decisions have come since the last training that was done; two queries."""
    needed = conf.RETRAIN_AFTER
    runs = TrainingRun.objects.order_by("-id")
    last_done = runs.filter(status=TrainingRun.Status.DONE).first()
    decisions = Review.objects.filter(kind=Review.Kind.DECISION)
    if last_done is not None:
        decisions = decisions.filter(created__gt=last_done.started or last_done.created)
    # Counted no further than the answer needs: on a large site the count would read every decision.
    new = decisions.order_by()[: needed + 1].count() if needed else 0
    why_not = "" if needed else "off"
    if needed and new < needed:
        why_not = "too-few-decisions"
    failed = runs.filter(status=TrainingRun.Status.FAILED, created__gt=timezone.now() - RETRY)
    if not why_not and failed.exists():
        why_not = "failed-lately"
    return Due(not why_not, new, needed, why_not)


def ask(user: AbstractBaseUser) -> TrainingRun:
    """Queue a training for the next look of a training worker; the one that is queued already, if one is."""
    actor = Actor.of(user)
    with transaction.atomic(using=router.db_for_write(TrainingRun)):
        wait_for_turn(TRAININGS)
        queued = TrainingRun.objects.select_for_update().filter(status=TrainingRun.Status.QUEUED).first()
        if queued is not None:
            return queued
        run = TrainingRun.objects.create(started_by=actor.user, started_by_name=actor.name)
        audit.record(Action.TRAINING_ASKED, actor, run, before={}, after={"run": run.pk})
    return run


def run_what_is_wanted() -> bool:
    """Train if a person asked for it or the schedule wants it; True where a training was begun.

    Never raises RetrainingFailed: what became of it stands in the training run, and a refusal in the log.
    What a killed run left on this machine, and no other went on with, is removed first.
    """
    training_folders.remove_left()
    asked = TrainingRun.objects.filter(status=TrainingRun.Status.QUEUED).order_by("id").first()
    if asked is not None:
        return _train_as_asked(asked)
    state = due()
    if not state.is_due:
        logger.info("No training: %s.", state.why_not, extra={"new": state.new_decisions})
        return False
    return not _code_of_failure(None, "schedule")


def _train_as_asked(asked: TrainingRun) -> bool:
    """Train for a queued run; its row goes when the training has one of its own, else says why not."""
    try:
        code = _code_of_failure(asked.started_by, asked.started_by_name)
    except (OperationalError, InterfaceError):
        raise  # the database was away: asked for it is still
    except Exception as error:
        _settle(asked, f"error:{type(error).__name__}")  # else the same would come again, every few minutes
        raise
    if code != ALREADY_RUNNING:
        _settle(asked, code)
    return not code


def _settle(asked: TrainingRun, code: str) -> None:
    """Store what became of a queued run. code: why it failed; empty: it is done.

    A training has a row of its own: a new one, or that of a run whose process was killed, which it went on
    with.
    """
    others = TrainingRun.objects.filter(pk__gt=asked.pk).exclude(status=TrainingRun.Status.QUEUED)
    if not code or others.exists():
        asked.delete()
        return
    asked.status, asked.error_code, asked.finished = TrainingRun.Status.FAILED, code[:64], timezone.now()
    asked.save(update_fields=["status", "error_code", "finished"])


def _code_of_failure(user: AbstractBaseUser | None, username: str) -> str:
    """Train; return the code of what went wrong, or nothing."""
    from moderation.retraining import retrain  # numpy: a web process that lists the tasks needs none of it
    from moderation.versions import store

    try:
        retrain.retrain(retrain.Options(), user=user, username=username)
    except RetrainingFailed as error:
        logger.warning("The training ended (%s).", error.code, extra={"code": error.code})
        return error.code
    except (store.ModelUnavailable, store.PublishFailed, store.AlreadyPublished) as error:
        logger.warning("The training ended (%s).", type(error).__name__)
        return type(error).__name__
    return ""
