"""Keeps the pending actions, hidings and showings yet to be carried out: due, claimed, put off, failed.

An action is claimed before the site's callable is asked, so that no two processes ask for the same object at
once. A claim that was never given back, as its process died or the callable hangs, counts as a try that
failed. After three of those it stands before a person, and is tried again ever more seldom.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta

from django.db import router, transaction
from django.db.models import Q

from moderation import metrics, registry, row_errors
from moderation.clock import Now
from moderation.db.locking import locked_if_free, update_if_free
from moderation.models import Screening
from moderation.models.content_types import content_type_of

logger = logging.getLogger("moderation.visibility")

CLAIM_SECONDS = 600
"""A callable that takes longer counts as hanging: another process may call it then."""
RETRY_SECONDS = 60
"""Pause after the first error; it doubles after each further one."""
LONGEST_RETRY_SECONDS = 3600
ATTEMPTS_TO_QUEUE = 3
"""Errors after which the screening is queued for a person, where it is not queued already."""
ERROR = "acting"
NEVER_ENDED = "acting-never-ended"


def due(limit: int) -> list[int]:
    """Ids of screenings whose action is pending, not put off and not claimed, oldest first.

    An object to hide whose model is not registered here is left to workers with newer settings.
    """
    rows = Screening.objects.action_due().filter(Q(hidden_by_us=True) | Q(content_type__in=_known_here()))
    return list(rows.order_by("id").values_list("pk", flat=True)[:limit])


def take(screening_id: int) -> Screening | None:
    """Lock and return the screening, if its action is pending and not claimed; else None."""
    screening = locked_if_free(Screening.objects.action_unclaimed().filter(pk=screening_id)).first()
    if screening is not None and screening.action_token is not None:
        _count(screening, NEVER_ENDED)
    return screening


def claim(screening: Screening) -> uuid.UUID:
    """Claim the action of a screening that the caller has locked; returns the token of the claim."""
    token = uuid.uuid4()
    until = Now() + timedelta(seconds=CLAIM_SECONDS)
    Screening.objects.filter(pk=screening.pk).update(action_token=token, action_until=until)
    return token


def put_off(screening_id: int, seconds: float) -> None:
    """Postpone the action, with no error counted."""
    rows = Screening.objects.filter(pk=screening_id, action_pending=True)
    update_if_free(rows, action_token=None, action_until=Now() + timedelta(seconds=seconds))


def fail(screening_id: int, error: BaseException) -> None:
    """Count and log an error of carrying out this action. Raises DatabaseError when the database is away."""
    logger.error(
        "Screening %s: visibility not changed (%s), to be tried again.",
        screening_id,
        type(error).__name__,
        extra={"screening": screening_id, "code": "action-failed"},
    )
    code = row_errors.code(ERROR, error)
    metrics.count_failure(code)
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = locked_if_free(Screening.objects.filter(pk=screening_id, action_pending=True)).first()
        if screening is None:
            return
        if row_errors.may_be_of_one_row(error):
            _count(screening, code)
        else:
            put_off(screening_id, RETRY_SECONDS)


def done(screening_id: int) -> None:
    """Forget earlier errors of an action that has been carried out; call it in that transaction."""
    rows = Screening.objects.filter(pk=screening_id, action_pending=False)
    rows.filter(error_code__startswith=ERROR).update(error_code="")
    rows.update(action_token=None, action_until=None, action_attempts=0)


def has_failed(screening: Screening) -> bool:
    """True where the action was tried, and an error of its own kept the object from being hidden or shown."""
    return screening.action_pending and screening.action_attempts > 0


def _count(screening: Screening, code: str) -> None:
    attempts = screening.action_attempts = screening.action_attempts + 1
    pause = min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2 ** min(attempts - 1, 10))
    columns: dict[str, object] = {
        "action_token": None,
        "action_until": Now() + timedelta(seconds=pause),
        "action_attempts": min(attempts, 32_767),
    }
    if screening.status != Screening.Status.PENDING:  # else it is the code of scoring
        columns["error_code"] = code
        is_seen = bool(screening.queued_for or screening.outcome)
        if attempts >= ATTEMPTS_TO_QUEUE and screening.is_current and not is_seen:
            columns.update(queued_for=Screening.QueuedFor.FAILED, sampling_probability=1.0)
    Screening.objects.filter(pk=screening.pk).update(**columns)


def _known_here() -> list[int]:
    """Ids of the content types of the models that are registered with a way to hide."""
    return [content_type_of(entry.model).pk for entry in registry.registered() if entry.hide]
