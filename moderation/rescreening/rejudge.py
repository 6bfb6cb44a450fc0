"""Applies the thresholds in force to verdicts that were made before them; nothing is scored.

The same is left alone as by `apply`: what a person has decided about or shown, what was edited while it was
hidden, and what is blanked. Nothing leaves the queue by this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.db import router, transaction

from moderation import audit
from moderation.audit import Action, Actor
from moderation.models import AuditEntry, LabelScore, ModelVersion, Scoring, Screening
from moderation.rescreening.apply import CHUNK, COLUMNS, Change, Consequences, note_events, rest_on, sort_out
from moderation.rescreening.rescreen import narrowed
from moderation.rescreening.runs import RunLease, Scope
from moderation.screening.judging import InForce, thresholds_for
from moderation.visibility import hiding

LATEST = 1000
"""Of the latest verdicts, and of the open ones, how many a page judges again."""


def latest(version: ModelVersion, scope: Scope) -> list[int]:
    """Read the ids of the latest screenings with a verdict, and of the most severe ones that wait."""
    rows = narrowed(Screening.objects.with_verdict(), scope)
    newest = rows.order_by("-pk").values_list("pk", flat=True)[:LATEST]
    waiting = narrowed(Screening.objects.open(), scope).values_list("pk", flat=True)[:LATEST]
    return sorted({*newest, *waiting})


def every(version: ModelVersion, scope: Scope) -> Iterator[list[int]]:
    """Yield the ids of all screenings in scope whose verdict rests on this version, chunk by chunk."""
    rows = Scoring.objects.filter(model_version=version, is_basis=True).order_by("screening_id")
    after = 0
    while keys := list(rows.filter(screening_id__gt=after).values_list("screening_id", flat=True)[:CHUNK]):
        after = keys[-1]
        yield keys


def preview(version: ModelVersion, scope: Scope, keys: Sequence[int]) -> Consequences:
    """Count what `act` would do to these screenings now, without changing a row."""
    consequences = Consequences()
    for chunk in _chunks(keys):
        sort_out(_basis(version, chunk), version, scope, consequences)
    return _without_unchanged(consequences)


def act(
    version: ModelVersion,
    scope: Scope,
    lease: RunLease,
    keys: Sequence[int],
    actor: Actor,
    should_stop: Callable[[], bool] = lambda: False,
) -> Consequences:
    """Judge these screenings by the thresholds in force, and hide, show and queue accordingly.

    Each chunk is one transaction; doing it again changes nothing more. Raises TakenOver or DatabaseError,
    with the chunks until then done.
    """
    done = Consequences()
    for chunk in _chunks(keys):
        if should_stop():
            break
        _act_on_chunk(version, scope, lease, chunk, actor, done)
    return _without_unchanged(done)


def _act_on_chunk(
    version: ModelVersion,
    scope: Scope,
    lease: RunLease,
    keys: Sequence[int],
    actor: Actor,
    done: Consequences,
) -> None:
    counts = Consequences()
    with transaction.atomic(using=router.db_for_write(Screening)):
        lease.renew()
        changes = [
            change
            for change in sort_out(_basis(version, keys), version, scope, counts, lock=True)
            if _is_news(change)
        ]
        if changes:
            entries = [rest_on(change, version, actor) for change in changes]
            _write(changes, version)
            summary = audit.entry(
                Action.POLICY_APPLIED,
                actor,
                version,
                before={},
                after={"version": str(version), **_without_unchanged(counts).as_dict()},
            )
            AuditEntry.objects.bulk_create([*filter(None, entries), summary])
            hiding.apply_all(change.row for change in changes)
            note_events(changes, entries, version)
    done.add(counts)


def _is_news(change: Change) -> bool:
    """True where the verdict, or a label that it rests on, is another one by the thresholds in force."""
    scoring, judgement = change.scoring, change.judgement
    counted = tuple(
        label for label, score in scoring.scores.items() if score >= scoring.thresholds.get(label, 2.0)
    )
    return change.row.verdict != judgement.verdict or set(counted) != set(judgement.labels)


def _write(changes: Sequence[Change], version: ModelVersion) -> None:
    """Write the verdicts, the thresholds that they rest on, and the labels that count."""
    in_force: dict[int | None, InForce] = {}
    for change in changes:
        key = change.row.content_type_id
        if key not in in_force:
            in_force[key] = thresholds_for(change.row, version)
        thresholds, policy = in_force[key]
        change.scoring.thresholds, change.scoring.policy = dict(thresholds.flag), policy
    scorings = [change.scoring for change in changes]
    Scoring.objects.bulk_update(scorings, ["thresholds", "policy"])
    LabelScore.objects.filter(scoring__in=[scoring.pk for scoring in scorings]).delete()
    LabelScore.objects.bulk_create(
        LabelScore(scoring=change.scoring, label=label, score=change.scoring.scores[label])
        for change in changes
        for label in change.judgement.labels
    )
    Screening.objects.bulk_update([change.row for change in changes], COLUMNS)


def _basis(version: ModelVersion, keys: Sequence[int]) -> list[Scoring]:
    return list(Scoring.objects.filter(screening__in=keys, model_version=version, is_basis=True))


def _chunks(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]


def _without_unchanged(consequences: Consequences) -> Consequences:
    """Leave out the verdicts that stay as they are, which `sort_out` counts, too."""
    for before, after in list(consequences.changes):
        if before == after:
            del consequences.changes[before, after]
    return consequences
