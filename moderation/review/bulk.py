"""Carries out one decision about many screenings: chosen, decided one by one, counted, and undone as one.

Each item is decided by `moderation.review.decisions.decide` in a transaction of its own, which also notes
that it is done. So every rule, signal, webhook and audit entry is the single decision's, no transaction is
long, no save of the site's can deadlock with two of our locks, and a process that is killed leaves at most
one item unfinished, which the next one decides. A lease lets one process at a time work on a job.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from moderation import audit, row_errors
from moderation.audit import Action, Actor
from moderation.coordination import leases
from moderation.models import BulkDecision, BulkItem, Lease, Review, Screening
from moderation.models.conditions import OPEN
from moderation.review import blind, claims, rights
from moderation.review import decisions as reviewing
from moderation.review.reasons import reasons
from moderation.texts import storable

__all__ = [
    "AT_ONCE",
    "MOST",
    "Outlook",
    "Progress",
    "ask_to_undo",
    "carry_on",
    "carry_on_all",
    "decidable",
    "may_choose",
    "may_undo",
    "outlook",
    "progress",
    "same_author",
    "same_text",
    "start",
]

logger = logging.getLogger("moderation.bulk")

MOST = 20_000
"""Items of one job at most."""
AT_ONCE = 100
"""Items that the request of the moderator decides itself; a worker's sweeps carry on with more."""
CHUNK = 200
"""Items that are read, or written as waiting, at a time."""
LEASE_SECONDS = 60
KINDS = (Review.Decision.UPHOLD, Review.Decision.FALSE_POSITIVE, Review.Decision.OTHER_REASON)
"""Decisions that can be made about many: a relabelling is about one text."""

Chosen, State, Why = BulkDecision.Chosen, BulkItem.State, BulkItem.Why


@dataclass(frozen=True)
class Outlook:
    """What would become of chosen screenings, as far as that may be told."""

    total: int
    """At most MOST."""
    is_cut: bool
    """True where more than MOST were chosen; the rest is left out."""
    claimed: int
    """Of these somebody else is looking at, who keeps them."""
    keys: tuple[int, ...]
    """Their ids, from the oldest on."""


@dataclass(frozen=True)
class Progress:
    """How far a job has come."""

    counts: dict[str, int]
    """{state: items}; every state is in it."""
    reasons: list[tuple[str, int]]
    """(reason in words, items) of what was left alone or not undone, the most frequent first."""

    @property
    def total(self) -> int:
        """Count all items."""
        return sum(self.counts.values())

    @property
    def passed(self) -> int:
        """Count the items that nothing more is to be done about, but for an undo."""
        return self.total - self.counts[State.WAITING]


# --- choosing --------------------------------------------------------------------------------------


def decidable(user: Any) -> QuerySet[Screening]:
    """Select what waits for a decision, of what the user may see."""
    return rights.visible(user, Screening.objects.filter(OPEN, blanked=None))


def same_text(screening: Screening) -> Q:
    """Match texts that read as this one does, as `texts.text_key` folds them."""
    return Q(text_key=screening.text_key) if screening.text_key else Q(pk=screening.pk)


def same_author(screening: Screening) -> Q | None:
    """Match texts by the same author: by account, or by name where none has one; None: not known."""
    if screening.author_key:
        return Q(author_key=screening.author_key)
    return Q(author_key="", author_name=screening.author_name) if screening.author_name else None


def may_choose(user: Any, chosen: str) -> bool:
    """True where the user may decide about many chosen so: an author's or a list's are for leads."""
    return rights.may_review(user) and (chosen in (Chosen.SELECTED, Chosen.TEXT) or rights.may_lead(user))


def outlook(user: Any, rows: QuerySet[Screening]) -> Outlook:
    """Look ahead at a decision about these rows. Reads four columns of each."""
    keys, is_cut = _judged_by_model(rows)
    claimed = sum(len(claims.holders(user, part)) for part in _parts(keys))
    return Outlook(len(keys), is_cut, claimed, tuple(keys))


def _judged_by_model(rows: QuerySet[Screening]) -> tuple[list[int], bool]:
    """Return the ids of the rows that are not judged blind, and whether more than MOST rows were there.

    Blind ones are left out, and nobody is told how many: among them may stand, on a moderator's page, items
    that are dealt for a second opinion, and those are not open. What is said of one would tell the two apart.
    """
    looked_at = list(rows.order_by("pk").only("pk", "queued_for", "verdict", "released")[: MOST + 1])
    return [row.pk for row in looked_at[:MOST] if not blind.is_blind(row)], len(looked_at) > MOST


# --- starting --------------------------------------------------------------------------------------


def start(
    user: AbstractBaseUser,
    rows: QuerySet[Screening],
    *,
    chosen: str,
    decision: str,
    reason: str = "",
    note: str = "",
) -> BulkDecision:
    """Write a job that decides about these rows, MOST at most, and return it; `carry_on` carries it out.

    Items that are judged without the model's opinion are left out: they are judged one by one.

    Call it outside of a transaction: the items are written in chunks. Raises InvalidDecision for a decision
    that can't be made about many, or a reason that there is not.
    """
    if decision not in KINDS:
        raise reviewing.InvalidDecision(f"About many items one can decide: {', '.join(KINDS)}.")
    if (decision == Review.Decision.OTHER_REASON) != bool(reason) or (reason and reason not in reasons()):
        raise reviewing.InvalidDecision(
            gettext("Say for which reason they are hidden: %(reasons)s.") % {"reasons": ", ".join(reasons())}
        )
    keys, _ = _judged_by_model(rows)
    actor = Actor.of(user)
    job = BulkDecision.objects.create(
        decision=decision,
        reason=reason,
        note=storable(note),
        chosen=chosen,
        total=len(keys),
        created_by=actor.user,
        created_by_name=actor.name,
    )
    for part in _parts(keys):
        BulkItem.objects.bulk_create(BulkItem(bulk=job, screening_id=key) for key in part)
    with _transaction():
        job.ready = timezone.now()
        job.save(update_fields=["ready"])
        after = {"decision": decision, "items": len(keys), "chosen": chosen}
        audit.record(Action.BULK_STARTED, actor, job, {}, {**after, **({"reason": reason} if reason else {})})
    return job


def may_undo(user: Any, job: BulkDecision) -> bool:
    """True where the user may take the job back: the person who made it, and leads."""
    is_own = job.created_by_id is not None and job.created_by_id == user.pk
    return rights.may_review(user) and (is_own or rights.may_lead(user))


def ask_to_undo(user: AbstractBaseUser, job: BulkDecision) -> bool:
    """Take a job back as a whole: nothing more is decided, and `carry_on` undoes what was.

    Returns False where somebody has asked for it already.
    """
    actor = Actor.of(user)
    with _transaction():
        is_first = BulkDecision.objects.filter(pk=job.pk, undo_asked=None).update(
            undo_asked=timezone.now(), undone_by=actor.user, undone_by_name=actor.name
        )
        if is_first:
            audit.record(Action.BULK_UNDONE, actor, job, {}, {"decision": job.decision, "items": job.total})
    return bool(is_first)


# --- carrying out ----------------------------------------------------------------------------------


def carry_on_all(*, seconds: float, stop: threading.Event | None = None) -> bool:
    """Carry out what jobs are unfinished, for about that many seconds; return whether this left some."""
    end = time.monotonic() + seconds
    unfinished = Q(finished=None) | Q(undo_asked__isnull=False, undone=None)
    jobs = BulkDecision.objects.filter(unfinished, ready__isnull=False).order_by("id")
    is_left = False
    for job in jobs.values_list("pk", flat=True):
        left = end - time.monotonic()
        if left <= 0 or (stop is not None and stop.is_set()):
            return True
        is_left = carry_on(job, seconds=left, stop=stop) is False or is_left
    return is_left


def carry_on(
    job_id: int,
    *,
    items: int | None = None,
    seconds: float | None = None,
    stop: threading.Event | None = None,
) -> bool | None:
    """Decide, or undo, what is left of a job: all of it, or so many items, or for about that long.

    Returns True where nothing is left, False where something is, None where another process is at it.
    """
    name = f"bulk:{job_id}"
    token = leases.take(name, LEASE_SECONDS)
    if token is None:
        return None
    try:
        with leases.kept(name, token, LEASE_SECONDS, renewals=None):
            is_done = _carry_on(job_id, _Bounds(items, seconds, stop))
    finally:
        leases.give_back(name, token)
    if is_done:
        Lease.objects.filter(name=name, token=None).delete()
    return is_done


class _Bounds:
    """Says when to pause."""

    def __init__(self, items: int | None, seconds: float | None, stop: threading.Event | None) -> None:
        self.items, self.stop = items, stop
        self.end = None if seconds is None else time.monotonic() + seconds

    def are_met(self) -> bool:
        """True where no further item is to be begun; counts one otherwise."""
        if self.end is not None and time.monotonic() >= self.end:
            return True
        if self.stop is not None and self.stop.is_set():
            return True
        if self.items is not None:
            self.items -= 1
            return self.items < 0
        return False


def _carry_on(job_id: int, bounds: _Bounds) -> bool:
    job = BulkDecision.objects.select_related("created_by", "undone_by").get(pk=job_id)
    if job.undo_asked is None:
        is_done = _each(job, State.WAITING, _decide_chunk, bounds)
        if is_done is None:
            return _carry_on(job_id, bounds)
        if is_done:
            BulkDecision.objects.filter(pk=job_id, finished=None).update(finished=timezone.now())
        return is_done
    waiting = BulkItem.objects.filter(bulk=job, state=State.WAITING)
    while part := list(waiting.order_by("id").values_list("pk", flat=True)[:CHUNK]):
        waiting.filter(pk__in=part).update(state=State.LEFT, why=Why.TAKEN_BACK)
    BulkDecision.objects.filter(pk=job_id, finished=None).update(finished=timezone.now())
    is_done = _each(job, State.DECIDED, _undo_chunk, bounds)
    if is_done:
        BulkDecision.objects.filter(pk=job_id, undone=None).update(undone=timezone.now())
    return bool(is_done)


ChunkWorker = Callable[[BulkDecision, list[BulkItem], _Bounds], bool]


def _each(job: BulkDecision, state: str, work: ChunkWorker, bounds: _Bounds) -> bool | None:
    """Give the job's items of a state to `work`, chunk by chunk; True: all of them passed.

    Returns None where the job was taken back meanwhile.
    """
    while True:
        left = BulkItem.objects.filter(bulk=job, state=state).order_by("id")
        chunk = list(left.select_related("review")[:CHUNK])
        if not chunk:
            return True
        if not work(job, chunk, bounds):
            return False
        if (
            state == State.WAITING
            and BulkDecision.objects.filter(pk=job.pk, undo_asked__isnull=False).exists()
        ):
            return None


def _decide_chunk(job: BulkDecision, chunk: list[BulkItem], bounds: _Bounds) -> bool:
    """Decide about the chunk's items; False: the bounds were met before its end."""
    user: Any = job.created_by
    is_allowed = user is not None and user.is_active and may_choose(user, job.chosen)
    keys = [item.screening_id for item in chunk]
    held = claims.holders(user, keys) if is_allowed else {}
    columns = ("pk", "queued_for", "verdict", "released")
    rows = {row.pk: row for row in Screening.objects.filter(pk__in=keys).only(*columns)}
    for item in chunk:
        if bounds.are_met():
            return False
        row = rows.get(item.screening_id)
        if not is_allowed:
            _note(item, State.WAITING, State.LEFT, Why.NOT_ALLOWED)
        elif item.screening_id in held:
            _note(item, State.WAITING, State.LEFT, Why.CLAIMED)
        elif row is not None and blind.is_blind(row):  # it was not when the job began
            _note(item, State.WAITING, State.LEFT, Why.ONE_BY_ONE)
        else:
            deciding = partial(
                reviewing.decide,
                item.screening_id,
                reviewer=user,
                kind=job.decision,
                reason=job.reason,
                note=job.note,
                is_picked=True,
            )
            _attempt(item, State.WAITING, State.DECIDED, State.LEFT, deciding)
    return True


def _undo_chunk(job: BulkDecision, chunk: list[BulkItem], bounds: _Bounds) -> bool:
    """Undo the chunk's decisions; False: the bounds were met before its end."""
    user: Any = job.undone_by
    is_allowed = user is not None and user.is_active and may_undo(user, job)
    for item in chunk:
        if bounds.are_met():
            return False
        if not is_allowed or item.review_id is None:
            _note(item, State.DECIDED, State.KEPT, Why.NOT_ALLOWED)
            continue
        undoing = partial(reviewing.undo, item.review_id, reviewer=user)
        _attempt(item, State.DECIDED, State.UNDONE, State.KEPT, undoing)
    return True


def _attempt(item: BulkItem, before: str, after: str, refused: str, act: Callable[[], Review]) -> None:
    """Do what is to be done about an item and note it, in one transaction; a refusal is noted, too.

    An error that may be of this item alone ends as one; others are raised, and the item is tried again.
    """
    try:
        with _transaction():
            review = act()
            _note(item, before, after, "", review if after == State.DECIDED else None)
        return
    except (Screening.DoesNotExist, Review.DoesNotExist):
        why = Why.NOT_THERE
    except reviewing.AlreadyDecided:
        why = Why.ALREADY_DECIDED if after == State.DECIDED else Why.CHANGED_SINCE
    except reviewing.NoLongerCurrent:
        why = Why.NOT_CURRENT
    except reviewing.CannotDecide:
        why = Why.NOTHING_TO_UPHOLD if after == State.DECIDED else Why.CHANGED_SINCE
    except BaseException as error:
        if not row_errors.may_be_of_one_row(error):
            raise
        logger.error(
            "Screening %s could not be decided in bulk (%s).", item.screening_id, type(error).__name__
        )
        why = Why.ERROR
    _note(item, before, refused, why)


def _note(item: BulkItem, before: str, state: str, why: str = "", review: Review | None = None) -> None:
    """Store what became of an item, unless another process has noted something else."""
    columns: dict[str, Any] = {"state": state, "why": why}
    if review is not None:
        columns["review"] = review
    BulkItem.objects.filter(pk=item.pk, state=before).update(**columns)


def _transaction() -> Any:
    return transaction.atomic(using=router.db_for_write(Screening))


# --- telling ---------------------------------------------------------------------------------------


def progress(job: BulkDecision) -> Progress:
    """Count a job's items by what became of them."""
    counts = dict.fromkeys(State.values, 0)
    why: dict[str, int] = {}
    rows = BulkItem.objects.filter(bulk=job).values_list("state", "why").annotate(items=Count("pk"))
    for state, reason, items in rows.order_by():
        counts[state] += items
        if reason:
            why[reason] = why.get(reason, 0) + items
    in_words = [(str(Why(reason).label), items) for reason, items in why.items()]
    return Progress(counts, sorted(in_words, key=lambda entry: -entry[1]))


def _parts(keys: list[int]) -> Iterable[list[int]]:
    return (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
