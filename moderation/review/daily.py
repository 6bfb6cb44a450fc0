"""Counts what came in and what was decided on one day; reads that day's rows alone.

Open audit items count with the flagged ones: a count that grows with one item and not with another would
tell what each is.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils import timezone

from moderation.models import Review, Scoring, Screening, StoredFigures
from moderation.models.conditions import UNDECIDED_DRAWN

TOP = 50
"""Authors and pages that are kept of a day; sums of several days may lack what came up little on each."""
WAITS = (
    ("minute", timedelta(minutes=1)),
    ("quarter", timedelta(minutes=15)),
    ("hour", timedelta(hours=1)),
    ("hours4", timedelta(hours=4)),
    ("day", timedelta(days=1)),
    ("days3", timedelta(days=3)),
    ("week", timedelta(days=7)),
    ("longer", timedelta.max),
)
"""Bounds of how long an item had waited when somebody decided; each counts what lies under it."""
OPEN_DRAWN = UNDECIDED_DRAWN & Q(is_current=True)
POINTED_AT = Q(verdict__in=["flagged", "held"]) | OPEN_DRAWN

Counts = dict[str, int]


def name_of(day: date) -> str:
    """Return the name under which a day's counts are stored."""
    return f"{StoredFigures.DAY}{day.isoformat()}"


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first moment of a day and that of the next, in the site's time zone if it has one."""
    start, end = (datetime.combine(each, time.min) for each in (day, day + timedelta(days=1)))
    if timezone.is_aware(timezone.now()):
        return timezone.make_aware(start), timezone.make_aware(end)
    return start, end


def count(day: date) -> dict[str, Any]:
    """Count the arrivals and the decisions of a day, as JSON holds them. Raises DatabaseError."""
    start, end = bounds(day)
    came = Screening.objects.of_the_site().filter(created__gte=start, created__lt=end).order_by()
    reviews = Review.objects.filter(created__gte=start, created__lt=end).order_by()
    decisions = reviews.filter(kind=Review.Kind.DECISION)
    return {
        "arrivals": came.count(),
        "verdicts": _by_verdict(came),
        "languages": _by(came, "language"),
        "versions": _versions(start, end),
        "authors": _top(came, "author_name", "author_key"),
        "pages": _top(came, "page_key"),
        "decisions": _by(decisions, "decision"),
        "outcomes": _by(decisions, "outcome"),
        "waited": _waited(decisions),
        "reviewers": _by(decisions, "reviewer_name"),
        "kinds": _by(reviews, "kind"),
    }


def _by_verdict(came: QuerySet[Screening]) -> Counts:
    """Count by verdict; what has none by its status: pending, failed or superseded."""
    shown = Case(
        When(OPEN_DRAWN, then=Value("flagged")),
        When(verdict="", then=F("status")),
        default=F("verdict"),
        output_field=CharField(),
    )
    rows = came.annotate(shown=shown).values_list("shown").annotate(count=Count("pk"))
    return {str(name): int(number) for name, number in rows}


def _by(rows: QuerySet[Any], column: str) -> Counts:
    counted = rows.values_list(column).annotate(count=Count("pk"))
    return {str(name): int(number) for name, number in counted}


def _versions(start: datetime, end: datetime) -> Counts:
    basis = Scoring.objects.filter(
        is_basis=True, screening__created__gte=start, screening__created__lt=end
    ).exclude(screening__source=Screening.Source.SUGGESTION)
    rows = basis.order_by().values_list("model_version__name", "model_version__version")
    return {f"{name}@{version}": number for name, version, number in rows.annotate(count=Count("pk"))}


def _top(came: QuerySet[Screening], *columns: str) -> list[dict[str, Any]]:
    """Return the TOP with most flagged and held texts: name and key, texts, flagged, hidden and shown."""
    known = Q()
    for column in columns:
        known |= ~Q(**{column: ""})
    counted = (
        came.filter(known)
        .values(*columns)
        .annotate(
            texts=Count("pk"),
            flagged=Count("pk", filter=POINTED_AT),
            hidden=Count("pk", filter=Q(outcome="hide")),
            shown=Count("pk", filter=Q(outcome="show")),
        )
    )
    return list(counted.filter(flagged__gt=0).order_by("-flagged", *columns)[:TOP])


def _waited(decisions: QuerySet[Review]) -> Counts:
    waited = ExpressionWrapper(F("created") - F("screening__created"), output_field=DurationField())
    bounded: dict[str, Count] = {}
    under = timedelta(days=-1)
    for name, over in WAITS:
        inside = Q(waited__gte=under) if over == timedelta.max else Q(waited__gte=under, waited__lt=over)
        bounded[name] = Count("pk", filter=inside)
        under = over
    return {
        name: int(number) for name, number in decisions.annotate(waited=waited).aggregate(**bounded).items()
    }
