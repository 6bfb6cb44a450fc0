"""Storing what was scored and acting on it: in one transaction, for rows still ours and still current."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import router, transaction
from django.db.models import CharField, FloatField, TextField
from django.utils import timezone

from moderation import metrics, policies, signals
from moderation.authors import trust
from moderation.conf import conf
from moderation.db.keyed_values import ByKey
from moderation.db.locking import locked_if_free
from moderation.models import LabelScore, ModelVersion, Scoring, Screening, written_labels
from moderation.policies import NOT_JUDGED, Judgement
from moderation.review import blind, events
from moderation.screening import authorship
from moderation.screening.claim import Claim, count_error
from moderation.screening.judging import Judged, for_author, judge_each
from moderation.screening.own_languages import Result, Unjudged
from moderation.screening.scorer import Failure, Scores
from moderation.versions.active import languages_of
from moderation.visibility import hiding

logger = logging.getLogger("moderation.screening")


@dataclass
class Stored:
    """Counts of what became of the rows of a claim."""

    verdicts: dict[str, int] = field(default_factory=dict)
    """{verdict: how many}."""
    failures: int = 0
    """Texts with an error of their own."""
    gone: int = 0
    """Edited, deleted or taken over while they were scored: nothing was stored for them."""
    judged: list[int] = field(default_factory=list)
    """Ids of the site's comments that got scores."""

    def add(self, more: Stored) -> None:
        """Count what became of another claim, too."""
        for verdict, count in more.verdicts.items():
            self.verdicts[verdict] = self.verdicts.get(verdict, 0) + count
        self.failures += more.failures
        self.gone += more.gone
        self.judged += more.judged


def store(claim: Claim, results: Sequence[Result], version: ModelVersion) -> Stored:
    """Store one result, and the language, for each claimed screening. Doing it twice changes nothing.

    Raises DatabaseError, and what a row of the claim raises; nothing is stored then, but for errors counted.
    """
    done = Stored()
    scores: dict[int, Scores] = {}
    unjudged: dict[int, Unjudged] = {}
    for screening, result in zip(claim.screenings, results, strict=True):
        if isinstance(result, Failure):
            metrics.count_failure(result.code)
            done.failures += count_error(claim.token, screening.pk, result.code, version)
        elif isinstance(result, Unjudged):
            unjudged[screening.pk] = result
        else:
            scores[screening.pk] = result
    completed = {row.pk: row for row in authorship.complete(claim.screenings)}
    with transaction.atomic(using=router.db_for_write(Screening)):
        own = _still_own(claim, [*scores, *unjudged])
        _note_languages(own, claim)
        _note_authors(own, completed)
        stances = trust.stances_of(own)
        judged = judge_each([row for row in own if row.pk in scores], scores, version, stances=stances)
        passed = [(row, unjudged[row.pk]) for row in own if row.pk in unjudged]
        _write_scorings(judged, version)
        _forget_scorings([row for row, _ in passed])
        _write_verdicts([(row, judgement) for row, _, judgement, _ in judged], passed, stances)
        hiding.apply_all(row for row in own if not row.outcome)
        events.note_verdicts(
            (row, events.Judged(of_row, judgement.labels, str(version)))
            for row, of_row, judgement, _ in judged
            if row.source != Screening.Source.SUGGESTION
        )
    for row in own:
        done.verdicts[row.verdict] = done.verdicts.get(row.verdict, 0) + 1
    done.gone = len(scores) + len(unjudged) - len(own)
    comments = [row for row in own if row.source != Screening.Source.SUGGESTION]
    done.judged = [row.pk for row in comments if row.pk in scores]
    metrics.observe_stored(comments, scores, str(version))
    metrics.count_languages([row.language for row in comments], languages_of(version))
    _tell([row for row in comments if not (row.verdict == policies.UNJUDGED and row.is_open)])
    return done


def _still_own(claim: Claim, keys: list[int]) -> list[Screening]:
    """Lock the rows that are still ours; skip one that somebody changes: an edit, or it comes again."""
    rows = Screening.objects.pending().filter(pk__in=keys, lease_token=claim.token)
    return list(locked_if_free(rows).order_by("id"))


def _note_languages(rows: Sequence[Screening], claim: Claim) -> None:
    languages = {row.pk: row.language for row in claim.screenings}
    for row in rows:
        row.language = languages[row.pk]


def _note_authors(rows: Sequence[Screening], completed: Mapping[int, Screening]) -> None:
    """Store what `authorship.complete` found out before this transaction began."""
    changed = [row for row in rows if row.pk in completed]
    for row in changed:
        row.author_name, row.page_key = completed[row.pk].author_name, completed[row.pk].page_key
    authorship.save(changed)


def _write_scorings(judged: Sequence[Judged], version: ModelVersion) -> None:
    earlier = Scoring.objects.filter(screening__in=[row.pk for row, *_ in judged])
    if earlier.exists():
        earlier.filter(model_version=version, purpose=Scoring.Purpose.LIVE).delete()
        earlier.filter(is_basis=True).update(is_basis=False)
    create_scorings(judged, version, Scoring.Purpose.LIVE, is_basis=True)


def _forget_scorings(unjudged: Sequence[Screening]) -> None:
    """Let no verdict rest on what another version said of a text that this one was not made for."""
    if unjudged:
        earlier = Scoring.objects.filter(screening__in=[row.pk for row in unjudged], is_basis=True)
        earlier.update(is_basis=False)


def create_scorings(
    judged: Sequence[Judged], version: ModelVersion, purpose: Scoring.Purpose, *, is_basis: bool
) -> None:
    """Store a scoring for each, with a row for each label over threshold: two statements."""
    scorings = Scoring.objects.bulk_create(
        Scoring(
            screening=row,
            model_version=version,
            policy=policy,
            purpose=purpose,
            is_basis=is_basis,
            scores=dict(scores),
            thresholds=dict(thresholds.flag),
        )
        for row, scores, _, (thresholds, policy) in judged
    )
    if any(scoring.pk is None for scoring in scorings):
        _read_keys(scorings, version, purpose)
    LabelScore.objects.bulk_create(
        LabelScore(scoring=scoring, label=label, score=scores[label])
        for scoring, (_, scores, judgement, _) in zip(scorings, judged, strict=True)
        for label in judgement.labels
    )


def _read_keys(scorings: Sequence[Scoring], version: ModelVersion, purpose: Scoring.Purpose) -> None:
    """Read the keys that the database did not return for several rows, as SQLite before 3.35 does not."""
    rows = Scoring.objects.filter(
        screening__in=[scoring.screening_id for scoring in scorings], model_version=version, purpose=purpose
    )
    keys = dict(rows.values_list("screening_id", "pk"))
    for scoring in scorings:
        scoring.pk = keys[scoring.screening_id]


def _write_verdicts(
    judged: Sequence[tuple[Screening, Judgement]],
    passed: Sequence[tuple[Screening, Unjudged]],
    stances: Mapping[int, str],
) -> None:
    """Write the verdicts, with one UPDATE for rows that differ in severity, labels and language alone."""
    now = timezone.now()
    drawn: list[Screening] = []
    alike: dict[tuple[object, ...], list[Screening]] = {}
    to_queue = {row.pk for row, result in passed if result.is_queued}
    unscored = [(row, for_author(NOT_JUDGED, stances.get(row.pk, ""))) for row, _ in passed]
    for row, judgement in [*judged, *unscored]:
        row.status = Screening.Status.DONE
        row.verdict = judgement.verdict
        row.severity = judgement.severity
        row.labels = written_labels(judgement.labels)
        row.scored = now
        row.error_code = ""
        row.lease_token = row.lease_until = None
        if not row.outcome:
            row.queued_for, row.sampling_probability = _queue(row, judgement, row.pk in to_queue)
            if row.queued_for == Screening.QueuedFor.AUDIT:
                drawn.append(row)
            elif row.queued_for == Screening.QueuedFor.REPORTED:
                row.severity = max(row.severity, 0.0)  # as `reports` has it
        alike.setdefault((row.verdict, row.queued_for, row.sampling_probability), []).append(row)
    if drawn:
        judged_now = [
            (row.verdict, row.severity, row.labels)
            for row, _ in judged
            if row.source != Screening.Source.SUGGESTION and row.queued_for != Screening.QueuedFor.AUTHOR
        ]
        for row, place in zip(drawn, blind.places(len(drawn), judged_now), strict=True):
            row.severity, row.labels = place
    for (verdict, queued_for, sampling_probability), rows in alike.items():
        labelled = any(row.labels for row in rows)
        languages = {row.language for row in rows}
        Screening.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=Screening.Status.DONE,
            verdict=verdict,
            severity=ByKey({row.pk: row.severity for row in rows}, FloatField()),
            labels=ByKey({row.pk: row.labels for row in rows}, TextField()) if labelled else "",
            language=ByKey({row.pk: row.language for row in rows}, CharField())
            if len(languages) > 1
            else languages.pop(),
            scored=now,
            error_code="",
            lease_token=None,
            lease_until=None,
            queued_for=queued_for,
            sampling_probability=sampling_probability,
        )


def _queue(row: Screening, judgement: Judgement, for_language: bool) -> tuple[str, float | None]:
    """Why the row is queued, if it is, and with what probability; an edit of a held text stays queued.

    A suggestion stands in a queue of its own, and its text is no comment of this site to draw a sample from.
    What was not judged is none that the model could have missed something in, and is not drawn either.
    """
    if row.source == Screening.Source.SUGGESTION:
        return "", None
    if row.queued_for == Screening.QueuedFor.EDITED:
        return Screening.QueuedFor.EDITED, 1.0
    if judgement.is_for_author:
        return Screening.QueuedFor.AUTHOR, 1.0
    if judgement.verdict == policies.UNJUDGED:
        return (Screening.QueuedFor.LANGUAGE, 1.0) if for_language else ("", None)
    if judgement.verdict == policies.HELD:
        return Screening.QueuedFor.HELD, 1.0
    if judgement.verdict == policies.FLAGGED:
        return Screening.QueuedFor.FLAGGED, 1.0
    rate = conf.AUDIT_RATE
    is_drawn = random.random() < rate  # noqa: S311 - a sample, not a secret
    if row.open_reports and not is_drawn:  # readers chose it, before the model had seen it
        return Screening.QueuedFor.REPORTED, None
    return (Screening.QueuedFor.AUDIT if is_drawn else ""), rate


def _tell(rows: Sequence[Screening]) -> None:
    for row in rows:
        signals.send(signals.screening_scored, screening=row)
        if row.verdict == Screening.Verdict.HELD:
            signals.send(signals.screening_held, screening=row)
