"""Applies the scores of another version to the verdicts: previewed first, then in resumable chunks.

It takes every score that the version gave to a current text, in whichever run. Never changed by it: what a
person has decided about or shown, what was edited while it was hidden, what has been edited since, and what
no one could judge any more, as its text is blanked. Nothing leaves the queue by this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import router, transaction

from moderation import audit, policies
from moderation.audit import Action, Actor
from moderation.authors import trust
from moderation.db.locking import locked_if_free
from moderation.models import AuditEntry, ModelVersion, Scoring, Screening, written_labels
from moderation.models.conditions import DRAWN_BY_CHANCE
from moderation.policies import Judgement
from moderation.rescreening.rescreen import narrowed
from moderation.rescreening.runs import RunLease, Scope
from moderation.review import blind, events
from moderation.screening.judging import judge_each
from moderation.visibility import hiding, means

CHUNK = 200
"""Screenings in one transaction."""
PREVIEW_CHUNK = 1000
NOT_JUDGED_BY_MODEL = (
    *("", *DRAWN_BY_CHANCE),
    *(Screening.QueuedFor.LANGUAGE, Screening.QueuedFor.REPORTED),
)
"""Why what no model said anything against stands in the queue, if it does."""
COLUMNS = ("verdict", "severity", "labels", "queued_for", "sampling_probability")
"""Of a screening, what another verdict changes."""
ROUNDS = 3
"""Rounds over all screenings: those that somebody was changing are tried again in the next."""


@dataclass
class Consequences:
    """Counts of what applying would change, or has changed."""

    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """{(verdict so far, verdict now): how many}; all that is not left alone."""
    hidden: int = 0
    """Comments that disappear."""
    shown: int = 0
    """Comments that we hid and that come back."""
    queued: int = 0
    """Items that come into the queue."""
    reviewed: int = 0
    """Left alone: a person decided, or showed it by the site's own means."""
    edited: int = 0
    """Left alone: it was edited while it was hidden, and waits in the queue for a person."""
    blanked: int = 0
    """Left alone: its text is blanked, so nobody could judge it."""
    busy: int = 0
    """Not done: somebody was changing it at that moment."""

    def add(self, more: Consequences) -> None:
        """Add the counts of another part of the screenings."""
        self.changes.update(more.changes)
        for name in ("hidden", "shown", "queued", "reviewed", "edited", "blanked", "busy"):
            setattr(self, name, getattr(self, name) + getattr(more, name))

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        changes = {f"{before} -> {after}": count for (before, after), count in sorted(self.changes.items())}
        return {**self.__dict__, "changes": changes}


def preview(
    version: ModelVersion, scope: Scope, progress: Callable[[int], object] = lambda n: None
) -> Consequences:
    """Count what `act` would do now, without changing a row."""
    preview = Consequences()
    for scorings in _chunks(version, PREVIEW_CHUNK):
        sort_out(scorings, version, scope, preview)
        progress(len(scorings))
    return preview


def act(
    version: ModelVersion,
    scope: Scope,
    lease: RunLease,
    *,
    username: str = "",
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int], object] = lambda n: None,
) -> Consequences:
    """Change verdicts to those of the version, and hide, show and queue accordingly; what was done.

    An interrupted call is continued by calling it again.

    username: who does it, for the audit trail. Raises TakenOver or DatabaseError, with the chunks until then
    done.
    """
    done, actor = Consequences(), Actor(None, username)
    for _ in range(ROUNDS):
        # Each round meets everything that is left alone again; only the last one's count of it holds.
        done.reviewed = done.edited = done.blanked = done.busy = 0
        for scorings in _chunks(version, CHUNK):
            if should_stop():
                return done
            _act_on_chunk(scorings, version, scope, lease, actor, done)
            progress(len(scorings))
        if not done.busy:
            break
    return done


def _chunks(version: ModelVersion, size: int) -> Iterator[list[Scoring]]:
    """Yield the version's scorings that no verdict rests on yet, in the order of the screenings' ids.

    Which of those are current and in scope is asked for each chunk: joined to the screenings, the planner may
    read all of them up to here for every chunk.
    """
    scorings = Scoring.objects.filter(model_version=version, is_basis=False)
    scorings = scorings.exclude(purpose=Scoring.Purpose.SHADOW).only("screening_id", "scores")
    after = 0
    while chunk := list(scorings.filter(screening_id__gt=after).order_by("screening_id", "id")[:size]):
        if len(chunk) == size:  # the last screening may have another scoring behind the cut
            chunk = [scoring for scoring in chunk if scoring.screening_id != chunk[-1].screening_id]
        after = chunk[-1].screening_id
        yield _newest_of_each(chunk, version)


def _newest_of_each(chunk: Sequence[Scoring], version: ModelVersion) -> list[Scoring]:
    """One scoring for each screening, and none where the verdict rests on this version already."""
    newest = {scoring.screening_id: scoring for scoring in chunk}
    resting = Scoring.objects.filter(screening__in=newest, model_version=version, is_basis=True)
    for key in resting.values_list("screening_id", flat=True):
        del newest[key]
    return list(newest.values())


@dataclass(frozen=True)
class Change:
    """One verdict that is to rest on another scoring, or on other thresholds."""

    row: Screening
    scoring: Scoring
    judgement: Judgement
    is_queued: bool


def sort_out(
    chunk: Sequence[Scoring], version: ModelVersion, scope: Scope, into: Consequences, *, lock: bool = False
) -> list[Change]:
    """Return the changes to make; they are counted in `into`, and so is what is left alone.

    lock: True locks the rows, and counts as busy those that somebody else holds.
    """
    scorings = {scoring.screening_id: scoring for scoring in chunk}
    wanted = narrowed(Screening.objects.with_verdict(), scope).filter(pk__in=scorings)
    rows = locked_if_free(wanted) if lock else wanted.defer("text")
    screenings = list(rows.order_by("pk"))
    if lock and len(screenings) < len(scorings):
        into.busy += wanted.exclude(pk__in=[row.pk for row in screenings]).count()
    changes = []
    scores = {key: scoring.scores for key, scoring in scorings.items()}
    stances = trust.stances_of(row for row in screenings if not blind.is_blind(row))
    for row, _, judgement, _ in judge_each(screenings, scores, version, stances=stances):
        if row.outcome or row.released:
            into.reviewed += 1
        elif row.queued_for == Screening.QueuedFor.EDITED:
            into.edited += 1
        elif row.blanked:
            into.blanked += 1
        else:
            changes.append(_change(row, scorings[row.pk], judgement, into))
    return changes


def _change(row: Screening, scoring: Scoring, judgement: Judgement, into: Consequences) -> Change:
    entry = means.in_force(row, means.registration(row))
    is_held = judgement.verdict == policies.HELD
    was_held = row.verdict in (policies.HELD, policies.UNJUDGED)  # or hidden while nobody has judged it
    can_hide = entry is not None
    is_hidden = can_hide and is_held and not (was_held and row.hidden_by_us)
    is_shown = can_hide and was_held and not is_held and row.hidden_by_us
    is_queued = judgement.verdict != policies.CLEAR and row.queued_for in NOT_JUDGED_BY_MODEL
    into.changes[row.verdict, judgement.verdict] += 1
    into.hidden += is_hidden
    into.shown += is_shown
    into.queued += is_queued
    return Change(row, scoring, judgement, is_queued)


def _act_on_chunk(
    chunk: Sequence[Scoring],
    version: ModelVersion,
    scope: Scope,
    lease: RunLease,
    actor: Actor,
    done: Consequences,
) -> None:
    counts = Consequences()
    with transaction.atomic(using=router.db_for_write(Screening)):
        lease.renew()
        changes = sort_out(chunk, version, scope, counts, lock=True)
        if changes:
            entries = [rest_on(change, version, actor) for change in changes]
            _write(changes)
            AuditEntry.objects.bulk_create([*filter(None, entries), _entry_of_chunk(counts, version, actor)])
            hiding.apply_all(change.row for change in changes)
            note_events(changes, entries, version)
    done.add(counts)


def rest_on(change: Change, version: ModelVersion, actor: Actor) -> AuditEntry | None:
    """Change the row in memory; returns the audit entry where its verdict has changed."""
    row, before = change.row, change.row.verdict
    row.verdict = change.judgement.verdict
    if change.is_queued:
        reason = Screening.QueuedFor.AUTHOR if change.judgement.is_for_author else row.verdict
        row.queued_for, row.sampling_probability = reason, 1.0
    if not row.is_drawn_by_chance:  # those keep the place that tells nothing
        row.severity = change.judgement.severity
        row.labels = written_labels(change.judgement.labels)
    if row.verdict == before:
        return None
    return audit.entry(
        Action.SCREENING_RESCREENED,
        actor,
        row,
        before={"verdict": before},
        after={"verdict": row.verdict, "version": str(version)},
    )


def _write(changes: Sequence[Change]) -> None:
    """Write the changed rows in four statements, however many there are."""
    rows = [change.row for change in changes]
    Scoring.objects.filter(screening__in=[row.pk for row in rows], is_basis=True).update(is_basis=False)
    Scoring.objects.filter(pk__in=[change.scoring.pk for change in changes]).update(is_basis=True)
    Screening.objects.bulk_update(rows, COLUMNS)


def note_events(
    changes: Sequence[Change], entries: Sequence[AuditEntry | None], version: ModelVersion
) -> None:
    """Have webhooks told of each verdict that is another one now."""
    events.note_verdicts(
        (change.row, events.Judged(change.scoring.scores, change.judgement.labels, str(version)))
        for change, entry in zip(changes, entries, strict=True)
        if entry is not None
    )


def _entry_of_chunk(counts: Consequences, version: ModelVersion, actor: Actor) -> AuditEntry:
    return audit.entry(
        Action.RESCREEN_ACTED,
        actor,
        version,
        before={},
        after={"version": str(version), **counts.as_dict()},
    )
