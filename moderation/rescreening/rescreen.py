"""Scores with another version what has a verdict already; nothing is hidden or shown by it.

It goes through the screenings in the order of their ids and remembers up to where it has come, so that a
chunk costs the same number of statements at the beginning and at the end of millions of rows, and a run that
was killed goes on. What the version has scored before, live or in another run, is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.db import DataError, IntegrityError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from moderation import registry
from moderation.models import ModelVersion, Scoring, Screening, ScreeningRun
from moderation.models.content_types import content_type_of
from moderation.models.screenings import ScreeningQuerySet
from moderation.rescreening import runs
from moderation.rescreening.runs import RunLease, Scope
from moderation.rescreening.throttle import Throttle
from moderation.screening.judging import judge_each
from moderation.screening.own_languages import Result, Unjudged, score_or_pass
from moderation.screening.scorer import Failure, LoadScorer, Scorer, batch_limits, load_scorer
from moderation.screening.store import create_scorings

WINDOW = 1000
"""Ids that one query looks at, to find those that the version has not scored."""
BATCHES_OF_A_CHUNK = 4
"""Batches of a worker that make one chunk, which is loaded and stored in one go."""
SLICES_OF_A_BATCH = 4
"""Slices in which a batch is scored: comments that were just saved wait for one slice at most."""

NOT_SCORED = "in another language, not scored"
"""The count of texts that the version was not made for, and that their registration has not scored."""

Progress = Callable[[ScreeningRun], object]


def begin(scope: Scope, username: str = "") -> ScreeningRun:
    """Return the unfinished run of this scope, or create one up to the newest screening of this moment."""
    unfinished = runs.unfinished(scope)
    if unfinished is not None:
        return unfinished
    rows = screened(scope)
    newest = Screening.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return runs.begin(scope, last=str(newest), total=rows.count(), username=username)


def left(scope: Scope) -> int:
    """Count the texts that the version has still to score; the query reads all of them."""
    unfinished = runs.unfinished(scope)
    rows = screened(scope)
    if unfinished is not None:
        rows = rows.filter(pk__gt=int(unfinished.position or 0), pk__lte=int(unfinished.last))
    scorings = Scoring.objects.filter(screening=OuterRef("pk"), model_version=scope.version)
    return rows.filter(~Exists(scorings.exclude(purpose=Scoring.Purpose.SHADOW))).count()


def screened(scope: Scope) -> ScreeningQuerySet:
    """The current screenings in scope that have a verdict and a text, unordered."""
    rows = Screening.objects.with_verdict().filter(blanked=None)
    return narrowed(rows, scope)


def narrowed(rows: ScreeningQuerySet, scope: Scope) -> ScreeningQuerySet:
    """Those of `rows` that are in scope, no suggestions of API clients among them.

    Raises LookupError for a model that is not registered.
    """
    rows = rows.of_the_site()
    if scope.model_label:
        entry = registry.get(scope.model_label)
        if entry is None:
            raise LookupError(scope.model_label)
        rows = rows.filter(content_type=content_type_of(entry.model))
    return rows if scope.since is None else rows.filter(created__gte=scope.since)


def rescreen(
    run: ScreeningRun,
    lease: RunLease,
    *,
    throttle: Throttle,
    limit: int | None = None,
    load: LoadScorer = load_scorer,
    progress: Progress = lambda run: None,
) -> bool:
    """Go on with `run` until it is finished, `limit` texts were scored or `throttle` stops it.

    Returns True where the run is finished.

    Raises ModelNotReady, TakenOver or DatabaseError; whatever it raises, `run` can be gone on with.
    """
    version = run.model_version
    if version is None:
        raise ValueError("a rescreening has a model version")
    score: Scorer | None = None
    remaining = limit
    while not throttle.stop.is_set():
        keys = _next_keys(run)
        if not keys:
            with runs.chunk(run, lease) as changed:
                changed.finished = timezone.now()
            progress(run)
            return True
        missing = _not_scored(keys, version)
        wanted = missing if remaining is None else missing[:remaining]
        for part in _chunks(wanted):
            score = score or load(version)  # nothing to do is found out without a model
            rows = list(screened(_scope(run)).filter(pk__in=part).order_by("pk"))
            results = _score(rows, score, version, throttle, lease)
            is_cut_off = len(results) < len(rows)
            if is_cut_off:
                rows = rows[: len(results)]
                part = [row.pk for row in rows]
            if part:
                passed = sum(int(run.position or 0) < key <= part[-1] for key in keys)
                _store(run, lease, version, rows, results, until=part[-1], passed=passed)
                remaining = None if remaining is None else remaining - len(results)
                progress(run)
            if is_cut_off or (remaining is not None and remaining <= 0):
                return False
        if len(wanted) == len(missing):
            with runs.chunk(run, lease) as changed:
                changed.passed += sum(key > int(run.position or 0) for key in keys)
                changed.position = str(keys[-1])
            progress(run)
    return False


def _scope(run: ScreeningRun) -> Scope:
    return Scope(ScreeningRun.Kind(run.kind), run.model_version, run.model_label, run.since)


def _next_keys(run: ScreeningRun) -> list[int]:
    rows = screened(_scope(run)).filter(pk__gt=int(run.position or 0), pk__lte=int(run.last))
    return list(rows.order_by("pk").values_list("pk", flat=True)[:WINDOW])


def _not_scored(keys: Sequence[int], version: ModelVersion) -> list[int]:
    scorings = Scoring.objects.filter(screening__in=keys, model_version=version)
    known = set(scorings.exclude(purpose=Scoring.Purpose.SHADOW).values_list("screening_id", flat=True))
    return [key for key in keys if key not in known]


def _chunks(keys: list[int]) -> Iterator[list[int]]:
    size = BATCHES_OF_A_CHUNK * batch_limits().texts
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _score(
    rows: Sequence[Screening], score: Scorer, version: ModelVersion, throttle: Throttle, lease: RunLease
) -> list[Result]:
    """Score the rows, slice by slice; fewer results than rows where the run is to stop."""
    results: list[Result] = []
    for part in _slices(rows):
        throttle.let_live_pass(lease.renew_if_due)
        if throttle.stop.is_set():
            break
        start = throttle.now()
        results += score_or_pass(score, part, version)
        lease.renew_if_due()
        throttle.pause(len(part), throttle.now() - start, lease.renew_if_due)
    return results


def _slices(rows: Sequence[Screening]) -> Iterator[list[Screening]]:
    max_texts = max(1, batch_limits().texts // SLICES_OF_A_BATCH)
    part: list[Screening] = []
    size = 0
    for row in rows:
        if part and (len(part) >= max_texts or size + len(row.text) > batch_limits().characters):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.text)
    if part:
        yield part


def _store(
    run: ScreeningRun,
    lease: RunLease,
    version: ModelVersion,
    rows: Sequence[Screening],
    results: Sequence[Result],
    *,
    until: int,
    passed: int,
) -> None:
    """Store a chunk in one transaction; where a row of it can't be stored, each row in its own."""
    try:
        with runs.chunk(run, lease) as changed:
            changed.position, changed.passed = str(until), changed.passed + passed
            _write(changed, version, rows, results)
        return
    except (IntegrityError, DataError):
        if not rows:
            raise
    for row, result in zip(rows, results, strict=True):
        try:
            with runs.chunk(run, lease) as changed:
                changed.position = str(row.pk)
                _write(changed, version, [row], [result])
        except (IntegrityError, DataError) as error:
            with runs.chunk(run, lease) as changed:
                changed.position = str(row.pk)
                runs.add(changed.failures, {f"storing-error:{type(error).__name__}": 1})
    with runs.chunk(run, lease) as changed:
        changed.position, changed.passed = str(until), changed.passed + passed


def _write(
    run: ScreeningRun, version: ModelVersion, rows: Sequence[Screening], results: Sequence[Result]
) -> None:
    _note_languages(rows)
    scores = {}
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Failure):
            runs.add(run.failures, {result.code: 1})
        elif isinstance(result, Unjudged):
            runs.add(run.changes, {NOT_SCORED: 1})
        else:
            scores[row.pk] = result
    judged = judge_each([row for row in rows if row.pk in scores], scores, version)
    create_scorings(judged, version, Scoring.Purpose.RESCREEN, is_basis=False)
    run.scored += len(judged)
    for row, _, judgement, _ in judged:
        if not row.outcome:
            runs.add(run.changes, {f"{row.verdict} -> {judgement.verdict}": 1})


def _note_languages(rows: Sequence[Screening]) -> None:
    """Store the languages that were told anew: one statement for each."""
    by_language: dict[str, list[int]] = {}
    for row in rows:
        if row.language:
            by_language.setdefault(row.language, []).append(row.pk)
    for language, keys in by_language.items():
        Screening.objects.filter(pk__in=keys).exclude(language=language).update(language=language)
