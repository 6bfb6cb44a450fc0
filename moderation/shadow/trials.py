"""Starts and ends shadow trials, each with its audit entry; promotes or drops the candidate."""

from __future__ import annotations

import logging

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import IntegrityError, router, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from moderation import audit
from moderation.audit import MACHINE, Action, Actor
from moderation.conf import conf
from moderation.models import ModelVersion, ShadowTrial
from moderation.versions import store
from moderation.versions.active import find_active

__all__ = [
    *("BUDGET", "DRAW_RATE", "TrialRefused"),
    *("drop", "end_by_itself", "promote", "running", "start", "stop", "with_versions"),
]

BUDGET, DRAW_RATE = 0.2, 0.5
"""What a trial takes unless it is told otherwise."""
REPLACED = "another-version-active"
"""Why a trial ended by itself: it would compare the candidate with a version that scores no more."""

logger = logging.getLogger("moderation.shadow")
Status = ShadowTrial.Status


class TrialRefused(Exception):
    """Raised where nothing was changed; the message says why, to people."""


def running() -> ShadowTrial | None:
    """Return the trial in which workers score now, with both versions, or None."""
    return with_versions().filter(status=Status.RUNNING).first()


def with_versions() -> QuerySet[ShadowTrial]:
    """Select all trials, each fetched with both versions."""
    return ShadowTrial.objects.select_related("candidate", "beside")


def start(
    candidate: ModelVersion,
    *,
    budget: float = BUDGET,
    draw_rate: float = DRAW_RATE,
    user: AbstractBaseUser | None = None,
    username: str = "",
) -> ShadowTrial:
    """Have workers score with the candidate, too, from within seconds on.

    budget: share of each worker's time, over 0 to 1. draw_rate: with which a comment that the candidate alone
    flags comes into the queue, 0 to 1. username: who does it, where no user of the site does. Raises
    TrialRefused, or ModelUnavailable where the candidate's files are not all there.
    """
    actor = Actor.of(user, username)
    if not 0 < budget <= 1 or not 0 <= draw_rate <= 1:
        raise TrialRefused(_("The budget is over 0 and at most 1, the draw rate from 0 to 1."))
    if draw_rate and not conf.AUDIT_RATE:
        raise TrialRefused(
            _("AUDIT_RATE is 0, so no item is judged blind: set it, or start with a draw rate of 0.")
        )
    active = store.active_version()
    if candidate.pk == active.pk:
        raise TrialRefused(_("%(version)s is the active version.") % {"version": candidate})
    if store.pruned_versions().filter(pk=candidate.pk).exists():
        raise TrialRefused(_("The files of %(version)s were removed.") % {"version": candidate})
    store.local_directory(candidate)
    try:
        with transaction.atomic(using=_database()):
            trial = ShadowTrial.objects.create(
                candidate=candidate,
                beside=active,
                budget=budget,
                draw_rate=draw_rate,
                started_by=actor.user,
                started_by_name=actor.name,
            )
            versions = {"version": str(candidate), "beside": str(active)}
            shares = {"budget": budget, "draw_rate": draw_rate}
            audit.record(Action.SHADOW_STARTED, actor, trial, before={}, after={**versions, **shares})
    except IntegrityError as error:
        raise TrialRefused(_("Another shadow trial is running. Stop it first.")) from error
    return trial


def stop(trial: ShadowTrial, *, user: AbstractBaseUser | None = None, username: str = "") -> ShadowTrial:
    """End a running trial; nothing is decided of the candidate. Raises TrialRefused where it has ended."""
    return _end(trial, Status.ENDED, Action.SHADOW_ENDED, Actor.of(user, username), (Status.RUNNING,))


def drop(trial: ShadowTrial, *, user: AbstractBaseUser | None = None, username: str = "") -> ShadowTrial:
    """Decide against the candidate, and end its trial. Raises TrialRefused where that is decided already."""
    return _end(trial, Status.DROPPED, Action.SHADOW_DROPPED, Actor.of(user, username))


def promote(trial: ShadowTrial, *, user: AbstractBaseUser | None = None, username: str = "") -> ShadowTrial:
    """Activate the candidate, and end its trial.

    Raises TrialRefused where that is decided already, or where another version than the one it was compared
    with is active by now; ModelUnavailable where its files are not all there, with nothing changed.
    """
    if trial.status not in (Status.RUNNING, Status.ENDED):
        raise TrialRefused(_("This trial is over: it was decided on."))
    store.active_version()  # takes up a newer packaged default first
    store.openable_directory(trial.candidate)  # may fetch files, for which nobody is to wait
    note = f"shadow trial {trial.pk}"
    try:
        with transaction.atomic(using=_database()):
            # the trial first: who drops it at the same moment waits, and is told that it is over
            _end(trial, Status.PROMOTED, Action.SHADOW_PROMOTED, Actor.of(user, username))
            store.activate(
                trial.candidate,
                user=user,
                username=username,
                note=note,
                instead_of=trial.beside,
                are_files_seen=True,
            )
    except store.ActivatedMeanwhile as error:
        trial.refresh_from_db(using=_database())
        raise TrialRefused(
            _("%(version)s is active by now, and the candidate was not compared with it.")
            % {"version": find_active()}
        ) from error
    return trial


def end_by_itself(trial: ShadowTrial, code: str) -> None:
    """End a running trial by a code of our own, such as an error's; does nothing where it has ended."""
    try:
        _end(trial, Status.ENDED, Action.SHADOW_ENDED, MACHINE, (Status.RUNNING,), code=code)
    except TrialRefused:
        return
    extra = {"code": code, "version": str(trial.candidate)}
    logger.error("Shadow trial %s of %s ended by itself (%s).", trial.pk, trial.candidate, code, extra=extra)


def _end(
    trial: ShadowTrial,
    status: Status,
    action: Action,
    actor: Actor,
    among: tuple[Status, ...] = (Status.RUNNING, Status.ENDED),
    code: str = "",
) -> ShadowTrial:
    with transaction.atomic(using=_database()):
        locked = ShadowTrial.objects.select_for_update().filter(pk=trial.pk, status__in=among).first()
        if locked is None:
            raise TrialRefused(_("This trial is over."))
        before = {"status": locked.status}
        locked.status = status
        locked.finished = locked.finished or timezone.now()
        locked.error_code = code or locked.error_code
        locked.save(update_fields=["status", "finished", "error_code"])
        after = {"status": str(status), "version": str(trial.candidate)}
        audit.record(action, actor, locked, before=before, after=after | ({"code": code} if code else {}))
    trial.refresh_from_db(using=_database())
    return trial


def _database() -> str:
    return router.db_for_write(ShadowTrial)
