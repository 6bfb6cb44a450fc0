"""Scoring again what is screened already, with another version. Nobody's visibility changes without `act`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import router, transaction

from moderation import policies, visibility
from moderation.models import AuditEntry, LabelScore, ModelVersion, Scoring, Screening
from moderation.policies import Judgement
from moderation.screening.score import Failure, LoadScorer, load_scorer, score_each
from moderation.screening.store import thresholds_for

CHUNK = 32


@dataclass
class Rescreened:
    """What another version makes of it."""

    scored: int = 0
    failures: int = 0
    reviewed: int = 0
    """A person has decided about these; they stay as they are, whatever the version says."""
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """{(verdict so far, verdict now): how many}, of those that no person has decided about."""


def to_rescreen(version: ModelVersion) -> list[int]:
    """Ids of current, scored screenings that `version` has not said anything of."""
    known = Scoring.objects.filter(model_version=version).exclude(purpose=Scoring.Purpose.SHADOW)
    rows = Screening.objects.filter(is_current=True, status=Screening.Status.DONE, blanked=None)
    return list(rows.exclude(scorings__in=known).order_by("id").values_list("pk", flat=True))


def rescreen(
    keys: list[int],
    version: ModelVersion,
    *,
    load: LoadScorer = load_scorer,
    progress: Callable[[int], None] = lambda count: None,
) -> Rescreened:
    """Store what `version` says of the screenings `keys`, as scorings for the purpose `rescreen`.

    Raises ModelNotReady, with the chunks until then stored.
    """
    done = Rescreened()
    score = load(version)
    for start in range(0, len(keys), CHUNK):
        rows = list(Screening.objects.filter(pk__in=keys[start : start + CHUNK]).order_by("id"))
        for row, result in zip(rows, score_each(score, [row.text for row in rows]), strict=True):
            if isinstance(result, Failure):
                done.failures += 1
                continue
            judgement = _note(row, dict(result), version)
            done.scored += 1
            if row.outcome:
                done.reviewed += 1
            else:
                done.changes[row.verdict, judgement.verdict] += 1
        progress(len(rows))
    return done


def act_on(version: ModelVersion) -> Counter[tuple[str, str]]:
    """Let the verdicts rest on what `version` said, hiding and showing accordingly; what changed.

    What a person has reviewed, what stands edited in the queue, and what is queued for its audit keep their
    place; nothing that is queued ever leaves the queue by this.
    """
    changed: Counter[tuple[str, str]] = Counter()
    said = Scoring.objects.filter(
        model_version=version,
        purpose=Scoring.Purpose.RESCREEN,
        is_basis=False,
        screening__is_current=True,
        screening__outcome="",
    )
    for key in said.order_by("id").values_list("pk", flat=True):
        with transaction.atomic(using=router.db_for_write(Screening)):
            change = _take_as_basis(key, version)
        if change is not None:
            changed[change] += 1
    return changed


def _note(row: Screening, scores: dict[str, float], version: ModelVersion) -> Judgement:
    thresholds, policy = thresholds_for(row, version)
    judgement = policies.judge(scores, thresholds)
    with transaction.atomic(using=router.db_for_write(Scoring)):
        scoring, _ = Scoring.objects.update_or_create(
            screening=row,
            model_version=version,
            purpose=Scoring.Purpose.RESCREEN,
            defaults={"policy": policy, "scores": scores, "thresholds": dict(thresholds.flag)},
        )
        scoring.label_scores.all().delete()
        LabelScore.objects.bulk_create(
            LabelScore(scoring=scoring, label=label, score=scores[label]) for label in judgement.labels
        )
    return judgement


def _take_as_basis(scoring_id: int, version: ModelVersion) -> tuple[str, str] | None:
    """The change of verdict, or None where a person was faster or the text is not current any more."""
    scoring = Scoring.objects.get(pk=scoring_id)
    rows = Screening.objects.select_for_update()
    row = rows.filter(pk=scoring.screening_id, outcome="", is_current=True).first()
    if row is None or row.status != Screening.Status.DONE:
        return None
    judgement = policies.judge(scoring.scores, thresholds_for(row, version)[0])
    before = row.verdict
    Scoring.objects.filter(screening=row, is_basis=True).update(is_basis=False)
    Scoring.objects.filter(pk=scoring_id).update(is_basis=True)
    row.verdict, row.severity = judgement.verdict, judgement.severity
    if judgement.verdict != policies.CLEAR and row.queued_for in ("", Screening.QueuedFor.AUDIT):
        row.queued_for, row.sampling_probability = judgement.verdict, 1.0
    row.save(update_fields=["verdict", "severity", "queued_for", "sampling_probability"])
    AuditEntry.objects.create(
        action="screening.rescreened",
        target_type="screening",
        target_id=str(row.pk),
        before={"verdict": before},
        after={"verdict": row.verdict, "version": str(version)},
    )
    visibility.apply(row)
    return before, judgement.verdict
