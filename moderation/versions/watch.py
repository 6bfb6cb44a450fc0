"""Watches the active version: is it worse on this site than the one before, or have the comments changed?

Each look compares samples of bounded size and stores numbers alone. A lead reads them at the version; a
rollback is proposed, and carried out only where MODERATION["AUTO_ROLLBACK"] says so.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from moderation.audit import Action
from moderation.conf import conf
from moderation.models import AuditEntry, ModelVersion, Review, Scoring, Screening, StoredFigures
from moderation.versions import store
from moderation.versions.active import find_active

NAME = "watch"
"""Of the stored figures; the newest look is kept."""
WATCHED = timedelta(days=30)
"""After so long a version that is worse is no longer gone back from by itself: too much rests on it."""
SAMPLE = 2000
"""Scorings of each version that are compared, the latest."""
DECISIONS = 500
"""Decisions of each version that are compared, the latest."""
LEAST_SCORINGS, LEAST_DECISIONS = 500, 50
Z = 2.576
"""Of a two-sided 99 % interval: looks are many, and an alarm that is often false is soon ignored."""
TIMES = 2.0
"""A flag rate that surely doubled or halved is told of."""
WORSE = 0.05
"""Points by which false alarms or misses must surely have risen before it counts as worse."""
BINS = 10
DRIFT = 0.25
"""Population stability index from which scores count as changed (Siddiqi 2006: over 0.25, a major change)."""

logger = logging.getLogger("moderation.watch")


@dataclass(frozen=True)
class Share:
    """How many of how many."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    def interval(self) -> tuple[float, float]:
        """Return Wilson's interval (1927) at 99 %; 0 to 1 of nothing."""
        if not self.of:
            return 0.0, 1.0
        share, square = self.hits / self.of, Z * Z / self.of
        middle = (share + square / 2) / (1 + square)
        half = Z * math.sqrt(share * (1 - share) / self.of + square / (4 * self.of)) / (1 + square)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Look:
    """What one look at the active version found."""

    version: int
    before: int | None
    """Keys of the active version and of the one that was active before it; null: there was none."""
    flagged: tuple[Share, Share]
    """Before and now: of the latest comments that each judged, those that it flagged or held."""
    false_alarms: tuple[Share, Share]
    """Of the latest flagged ones that people decided in the queue's order, those that were harmless."""
    misses: tuple[Share, Share]
    """Of the latest random reviews of clear comments, those that people found harmful."""
    drift: float | None
    """Population stability index of the highest score, between its first comments and its latest ones."""
    findings: list[str] = field(default_factory=list)
    """Codes: `more-false-alarms`, `more-misses`, `flags-more`, `flags-less`, `scores-drift`."""

    @property
    def is_worse(self) -> bool:
        """True where people's decisions show it, so that going back is proposed."""
        return bool({"more-false-alarms", "more-misses"} & set(self.findings))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def watch(now: datetime | None = None) -> Look | None:
    """Look at the active version, store what was found, and go back if it is worse and the site wants that.

    None where no version is active. Raises DatabaseError.
    """
    active = find_active()
    if active is None:
        return None
    now = now or timezone.now()
    before = store.previously_active()
    found = look(active, before)
    refused = None
    is_new = active.activated is not None and timedelta(0) <= now - active.activated < WATCHED
    if found.is_worse and before is not None:
        extra = {"code": ",".join(found.findings), "version": str(active)}
        logger.warning("Model version %s is worse here than %s before it.", active, before, extra=extra)
        if conf.AUTO_ROLLBACK and is_new and not _was_gone_back_to():
            refused = _go_back(found, active)
    rolled_back = refused == ""
    data = {**found.as_dict(), "is_worse": found.is_worse and not rolled_back}
    data |= {"rolled_back": rolled_back, "refused": refused or ""}
    StoredFigures.put(NAME, data, now)
    return found


def last_look() -> tuple[dict[str, Any], datetime] | None:
    """Return the stored figures of the newest look and when it was made; None where there was none."""
    stored = StoredFigures.objects.filter(name=NAME).values_list("data", "made").first()
    return (stored[0], stored[1]) if stored else None


def look(active: ModelVersion, before: ModelVersion | None) -> Look:
    """Compare the active version with the one before it, on bounded samples; eight queries."""
    flagged = _flagged(before), _flagged(active)
    alarms = _false_alarms(before), _false_alarms(active)
    misses = _misses(before), _misses(active)
    drift = _drift(active)
    return Look(
        version=active.pk,
        before=before.pk if before else None,
        flagged=flagged,
        false_alarms=alarms,
        misses=misses,
        drift=drift,
        findings=list(_findings(flagged, alarms, misses, drift)),
    )


def _findings(
    flagged: tuple[Share, Share],
    alarms: tuple[Share, Share],
    misses: tuple[Share, Share],
    drift: float | None,
) -> Iterable[str]:
    if _rose(alarms, LEAST_DECISIONS) and _by_comments(alarms, flagged):
        yield "more-false-alarms"
    if _rose(misses, LEAST_DECISIONS):
        yield "more-misses"
    if all(share.of >= LEAST_SCORINGS for share in flagged):
        (old_low, old_high), (new_low, new_high) = (share.interval() for share in flagged)
        if new_low > TIMES * old_high:
            yield "flags-more"
        elif new_high * TIMES < old_low:
            yield "flags-less"
    if drift is not None and drift > DRIFT:
        yield "scores-drift"


def _rose(shares: tuple[Share, Share], least: int) -> bool:
    """True where the second share is surely higher by over WORSE (Newcombe 1998, method 10)."""
    old, new = shares
    if min(old.of, new.of) < least:
        return False
    p_old, p_new = old.hits / old.of, new.hits / new.of
    lower = p_new - p_old - math.hypot(p_new - new.interval()[0], old.interval()[1] - p_old)
    return lower > WORSE


def _by_comments(alarms: tuple[Share, Share], flagged: tuple[Share, Share]) -> bool:
    """True unless there are fewer false alarms by comment than before, though more of the flagged are some.

    A version that flags less lets people come further down the queue, to its mild end, where false alarms
    stand: of what they decide more is harmless, and they have less to do for nothing.
    """
    old, new = (
        (share.value or 0.0) * (1.0 if rate.value is None else rate.value)
        for share, rate in zip(alarms, flagged, strict=True)
    )
    return new > old


def _was_gone_back_to() -> bool:
    """True where the active version came by a rollback.

    Nobody goes back from there by itself: a site would wander to ever older versions, on the decisions of a
    time long gone.
    """
    switches = AuditEntry.objects.filter(action__in=(Action.MODEL_ACTIVATED, Action.MODEL_ROLLED_BACK))
    last = switches.order_by("-id").values_list("action", flat=True).first()
    return last == Action.MODEL_ROLLED_BACK


def _judged_by(version: ModelVersion) -> QuerySet[Scoring]:
    """Select what a version said of the site's own comments, by which they were judged."""
    rows = Scoring.objects.filter(model_version=version, is_basis=True, purpose=Scoring.Purpose.LIVE)
    return rows.filter(screening__source=Screening.Source.OBJECT)


def _flagged(version: ModelVersion | None) -> Share:
    if version is None:
        return Share(0, 0)
    rows = _judged_by(version).order_by("-screening_id")
    verdicts = list(rows.values_list("screening__verdict", flat=True)[:SAMPLE])
    hits = sum(verdict in (Screening.Verdict.FLAGGED, Screening.Verdict.HELD) for verdict in verdicts)
    return Share(hits, len(verdicts))


def _decided(version: ModelVersion) -> QuerySet[Review]:
    """Select decisions on what a version said that stand, made in the queue's own order, the latest first.

    A narrowed list leads a person to the like of what they look for: those tell nothing of the others.
    """
    rows = Review.objects.filter(
        model_version=version, kind=Review.Kind.DECISION, is_picked=False, undone_by=None
    )
    return rows.order_by("-id")


def _false_alarms(version: ModelVersion | None) -> Share:
    if version is None:
        return Share(0, 0)
    verdicts = (Screening.Verdict.FLAGGED, Screening.Verdict.HELD)
    rows = _decided(version).filter(screening__verdict__in=verdicts)
    outcomes = list(rows.values_list("outcome", flat=True)[:DECISIONS])
    return Share(outcomes.count(Screening.Outcome.SHOW), len(outcomes))


def _misses(version: ModelVersion | None) -> Share:
    if version is None:
        return Share(0, 0)
    # Spam that was hidden is no miss of a model that looks for toxic texts.
    rows = _decided(version).exclude(decision=Review.Decision.OTHER_REASON)
    rows = rows.filter(screening__queued_for=Screening.QueuedFor.AUDIT)
    outcomes = list(rows.values_list("outcome", flat=True)[:DECISIONS])
    return Share(outcomes.count(Screening.Outcome.HIDE), len(outcomes))


def _drift(version: ModelVersion) -> float | None:
    rows = _judged_by(version)
    first = list(rows.order_by("screening_id").values_list("screening_id", "scores")[:SAMPLE])
    if len(first) < LEAST_SCORINGS:
        return None
    latest = list(
        rows.filter(screening_id__gt=first[-1][0])
        .order_by("-screening_id")
        .values_list("scores", flat=True)[:SAMPLE]
    )
    if len(latest) < LEAST_SCORINGS:
        return None
    return stability_index([_highest(scores) for _, scores in first], [_highest(row) for row in latest])


def _highest(scores: dict[str, float]) -> float:
    return max(scores.values(), default=0.0)


def stability_index(reference: Sequence[float], current: Sequence[float]) -> float:
    """Return the population stability index of two samples, in bins of equal share of the reference.

    0: alike; over 0.25: another population. A bin without any counts as half an item (Siddiqi 2006).
    """
    ordered = sorted(reference)
    edges = sorted({ordered[len(ordered) * step // BINS] for step in range(1, BINS)})
    bounds = list(pairwise([-math.inf, *edges, math.inf]))
    total = 0.0
    for low, high in bounds:
        was, now = (
            max(0.5, sum(low <= value < high for value in sample)) / len(sample)
            for sample in (reference, current)
        )
        total += (now - was) * math.log(now / was)
    return round(total, 4)


def _go_back(found: Look, active: ModelVersion) -> str:
    """Go back from the version that was looked at; return "", or why that was not possible."""
    note = "worse than the version before it: " + ", ".join(found.findings)
    try:
        store.rollback(username="watch (system)", note=note, instead_of=active)
    except store.ActivatedMeanwhile:
        logger.warning("Another version than %s is active by now: nothing is gone back from.", active)
        return "activated-meanwhile"
    except store.NothingToGoBackTo:
        return "nothing-before"
    except store.ModelUnavailable as error:
        logger.error("Going back from %s is not possible: %s", active, error)
        return "files-missing"
    return ""
