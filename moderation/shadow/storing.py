"""Stores what a candidate said of live comments, and draws disagreements into the queue, in one transaction.

A comment's verdict, its visibility and the site's signals stay as they are. What the candidate alone flags is
a stratum of its own: with the trial's draw rate chance brings such a comment into the queue, so that all of
the stratum have come up with the probability of either draw, whether they did or not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import router, transaction
from django.db.models import F
from django.utils import timezone

from moderation import policies
from moderation.conf import conf
from moderation.db.locking import locked_if_free
from moderation.models import Scoring, Screening, ShadowDisagreement, ShadowTrial
from moderation.models.screenings import ScreeningQuerySet
from moderation.policies import Judgement
from moderation.review import blind
from moderation.screening.judging import judge_each, thresholds_of_scoring
from moderation.screening.own_languages import Result, Unjudged
from moderation.screening.scorer import Failure, Scores
from moderation.screening.store import create_scorings
from moderation.shadow import counting
from moderation.shadow.counting import Counts

FlaggedBy = ShadowDisagreement.FlaggedBy
_WAIT_FOR_NO_MODEL = ("", Screening.QueuedFor.REPORTED)
"""Reasons of what no model pointed at; a draw takes their place, as that of an audit item does."""


@dataclass(frozen=True)
class Compared:
    """One comment as both versions judge it."""

    row: Screening
    active: Judgement
    candidate: Judgement


def eligible(trial: ShadowTrial, keys: Sequence[int]) -> list[Screening]:
    """Read those of the screenings that the candidate may score: judged by the other version since the start.

    None of them was scored by the candidate in a trial before.
    """
    scorings = Scoring.objects.filter(screening__in=keys)
    known = scorings.filter(model_version=trial.candidate_id, purpose=Scoring.Purpose.SHADOW)
    judged = scorings.filter(model_version=trial.beside_id, is_basis=True)
    rows = _rows(keys).filter(pk__in=judged.values("screening"), scored__gte=trial.created)
    return list(rows.exclude(pk__in=known.values("screening")).order_by("pk"))


def store(trial: ShadowTrial, rows: Sequence[Screening], results: Sequence[Result], seconds: float) -> bool:
    """Store n results of the candidate; False, with nothing stored, where the trial has ended meanwhile.

    Comments that were edited, or that somebody is changing at this moment, are left out. seconds: of the
    worker's time that the trial has used since this was called last. Raises DatabaseError.
    """
    with transaction.atomic(using=router.db_for_write(ShadowTrial)):
        running = ShadowTrial.objects.select_for_update().filter(pk=trial.pk)
        locked = running.filter(status=ShadowTrial.Status.RUNNING).first()
        if locked is None:
            return False
        counts = Counts.of(locked.counts)
        scores = _scores(rows, results, counts)
        own = list(locked_if_free(_rows(list(scores))).order_by("pk"))
        compared = _compare(trial, own, scores)
        labels = list(dict.fromkeys((*trial.beside.labels, *trial.candidate.labels)))
        cells = [counts.add(each.active, each.candidate, labels) for each in compared]
        _record_disagreements(trial, compared, cells)
        stratum = [each.row for each, cell in zip(compared, cells, strict=True) if _is_drawable(each, cell)]
        counts.drawn += _draw(trial, stratum)
        running.update(
            counts=counts.as_stored(),
            seconds=F("seconds") + seconds,
            is_proved=locked.is_proved or bool(results),
            updated=timezone.now(),
        )
    return True


def _rows(keys: Sequence[int]) -> ScreeningQuerySet:
    """Select those of the screenings that are current comments of the site with a text."""
    return Screening.objects.with_verdict().of_the_site().filter(pk__in=keys, blanked=None)


def _scores(rows: Sequence[Screening], results: Sequence[Result], counts: Counts) -> dict[int, Scores]:
    """Return {screening id: scores} of what was scored, and count what was not."""
    scores: dict[int, Scores] = {}
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Failure):
            counts.failures += 1
        elif isinstance(result, Unjudged):
            counts.passed += 1
        else:
            scores[row.pk] = result
    return scores


def _compare(trial: ShadowTrial, rows: Sequence[Screening], scores: Mapping[int, Scores]) -> list[Compared]:
    """Store the candidate's scorings, and judge both versions' scores, each at its own thresholds.

    By the scores alone: what the site decided of an author says nothing of a version.
    """
    bases = {
        scoring.screening_id: scoring
        for scoring in Scoring.objects.filter(
            screening__in=[row.pk for row in rows], model_version=trial.beside_id, is_basis=True
        ).select_related("policy")
    }
    judged = judge_each([row for row in rows if row.pk in bases], scores, trial.candidate)
    create_scorings(judged, trial.candidate, Scoring.Purpose.SHADOW, is_basis=False)
    compared = []
    for row, _, candidate, _ in judged:
        basis = bases[row.pk]
        basis.model_version = trial.beside
        active = policies.judge(basis.scores, thresholds_of_scoring(row, basis))
        compared.append(Compared(row, active, candidate))
    return compared


def _record_disagreements(trial: ShadowTrial, compared: Sequence[Compared], cells: Sequence[str]) -> None:
    ShadowDisagreement.objects.bulk_create(
        ShadowDisagreement(
            trial=trial,
            screening=each.row,
            flagged_by=FlaggedBy(cell),
            labels=list((each.active if cell == counting.ACTIVE else each.candidate).labels),
        )
        for each, cell in zip(compared, cells, strict=True)
        if cell in FlaggedBy
    )


def _is_drawable(compared: Compared, cell: str) -> bool:
    """True of the stratum in which chance decides: flagged by the candidate alone, and nothing else.

    An audit item belongs to it even once it is decided: that it was drawn first is chance, too.
    """
    row = compared.row
    if cell != counting.CANDIDATE or row.verdict != Screening.Verdict.CLEAR:
        return False
    return row.is_drawn_by_chance or (row.queued_for in _WAIT_FOR_NO_MODEL and not row.outcome)


def _draw(trial: ShadowTrial, stratum: Sequence[Screening]) -> int:
    """Draw some of the stratum into the queue, and note with what probability; how many were drawn.

    What readers reported stays theirs unless it is drawn, and stands for no others then.
    """
    rate = trial.draw_rate if conf.AUDIT_RATE else 0.0  # without blind items it would be told apart
    if not rate or not stratum:
        return 0
    drawn, changed = [], []
    for row in stratum:
        before = conf.AUDIT_RATE if row.sampling_probability is None else row.sampling_probability
        is_drawn = not row.is_drawn_by_chance and random.random() < rate  # noqa: S311 - a sample
        if is_drawn:
            row.queued_for = Screening.QueuedFor.DISAGREEMENT
            drawn.append(row)
        if row.queued_for != Screening.QueuedFor.REPORTED:
            row.sampling_probability = before + (1 - before) * rate
            changed.append(row)
    for row, place in zip(drawn, blind.places(len(drawn)), strict=True):
        row.severity, row.labels = place
    Screening.objects.bulk_update(changed, ["queued_for", "sampling_probability", "severity", "labels"])
    return len(drawn)
