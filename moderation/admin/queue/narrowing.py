"""What else narrows the queue: scores, language, version, author, page, dates, decisions, model.

Each takes its parameters out of the address, offers fields for the form, and says in a few words what is in
force. None tells more of an item that is judged blind than the page does: see `moderation.review.blind`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import connections
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation import registry
from moderation.admin.display.language_names import name_of
from moderation.admin.queue import search
from moderation.admin.queue.tabs import DECIDED, tab_of
from moderation.models import LabelScore, ModelVersion, Review, Scoring, Screening
from moderation.models.conditions import UNDECIDED_DRAWN
from moderation.models.content_types import content_type_of
from moderation.review import reasons

LANGUAGES_OFFERED = 40
REVIEWERS_OFFERED = 40
VERSIONS_OFFERED = 20


@dataclass(frozen=True)
class Field:
    """One field of the form."""

    name: str
    label: Any
    value: str
    choices: Sequence[tuple[str, Any]] | None = None
    """Of a select, without the empty one; None: something is typed."""
    kind: str = "text"
    """Of an input: text, date or number."""
    offered: Sequence[str] = ()
    """What an input of text suggests."""

    @property
    def in_words(self) -> str:
        """Name the value as a reader knows it."""
        return str(dict(self.choices or ()).get(self.value, self.value))


class QueueFilter(admin.ListFilter):
    """Narrows the queue by one or several parameters; those without a value are not in force."""

    title: Any = ""
    parameters: ClassVar[Sequence[str]] = ()

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        taken = {name: params.pop(name, [""])[-1] for name in self.parameters}
        self.values: dict[str, str] = {name: _value(value) for name, value in taken.items()}

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters)

    def choices(self, changelist: Any) -> Iterator[Any]:
        return iter(())

    def as_open(self, request: HttpRequest, rows: QuerySet[Screening]) -> QuerySet[Screening]:
        """Narrow decided rows as if they were open audit items: by what a decision does not change."""
        narrowed = self.queryset(request, rows)
        return rows if narrowed is None else narrowed

    def fields(self) -> list[Field]:
        """Return the fields of the form, with what is in force."""
        raise NotImplementedError

    def value(self) -> str:
        """Return the value of the only parameter."""
        (name,) = self.parameters
        return self.values[name]


class ScoreFilter(QueueFilter):
    """Selects items of which a label's score lies in a range, at or over its flag threshold.

    Lower scores are in no index. Undecided items that are judged blind are left out by `Queue.keeps`, and the
    audit items among them here, as they have no such score.
    """

    title = gettext_lazy("score")
    parameters = ("score_from", "score_to")

    @property
    def is_in_force(self) -> bool:
        """True where a number is given."""
        return any(_number(value) is not None for value in self.values.values())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        if not self.is_in_force:
            return queryset
        scores = LabelScore.objects.filter(scoring__screening=OuterRef("pk"), scoring__is_basis=True)
        if label := request.GET.get("label", "").replace("\x00", ""):
            scores = scores.filter(label=label)
        least, most = (_number(self.values[name]) for name in self.parameters)
        if least is not None:
            scores = scores.filter(score__gte=least)
        if most is not None:
            scores = scores.filter(score__lte=most)
        return queryset.filter(Exists(scores)).exclude(UNDECIDED_DRAWN)

    def as_open(self, request: HttpRequest, rows: QuerySet[Screening]) -> QuerySet[Screening]:
        return rows.none() if self.is_in_force else rows

    def fields(self) -> list[Field]:
        names = (gettext_lazy("Score of the label, from"), gettext_lazy("to"))
        return [
            Field(name, label, self.values[name], kind="number")
            for name, label in zip(self.parameters, names, strict=True)
        ]


class LanguageFilter(QueueFilter):
    """Selects texts in a language, as it was told when they were scored."""

    title = gettext_lazy("language")
    parameters = ("language",)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        return queryset.filter(~Q(language=""), language=self.value()) if self.value() else queryset

    def fields(self) -> list[Field]:
        tags = list(_steps(Screening.objects.all(), "language", LANGUAGES_OFFERED))
        choices = sorted(((tag, name_of(tag)) for tag in tags), key=lambda choice: str(choice[1]))
        return [Field("language", _("Language"), self.value(), choices)]


class VersionFilter(QueueFilter):
    """Selects what was judged by the scores of a model version."""

    title = gettext_lazy("model version")
    parameters = ("version",)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        key = _whole(self.value())
        if key is None:
            return queryset
        scorings = Scoring.objects.filter(model_version=key, is_basis=True)
        return queryset.filter(pk__in=scorings.values("screening"))

    def fields(self) -> list[Field]:
        versions = ModelVersion.objects.order_by("-id").only("name", "version")[:VERSIONS_OFFERED]
        choices = [(str(version.pk), str(version)) for version in versions]
        return [Field("version", _("Model version"), self.value(), choices)]


class AuthorFilter(QueueFilter):
    """Selects texts by one author, by the name that the site shows or by the key."""

    title = gettext_lazy("author")
    parameters = ("author",)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        return queryset.filter(search.by_author(self.value())) if self.value() else queryset

    def fields(self) -> list[Field]:
        return [Field("author", _("Author"), self.value())]


class PageFilter(QueueFilter):
    """Selects texts of one page, by its key, such as `articles.article:3`."""

    title = gettext_lazy("page")
    parameters = ("page",)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        return queryset.filter(search.of_page(self.value())) if self.value() else queryset

    def fields(self) -> list[Field]:
        return [Field("page", _("Page"), self.value())]


class CreatedFilter(QueueFilter):
    """Selects what was written from one day on, and up to another one, in the reader's time zone."""

    title = gettext_lazy("created")
    parameters = ("created_from", "created_until")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        first, last = (_day(self.values[name]) for name in self.parameters)
        if first is not None:
            queryset = queryset.filter(created__gte=_midnight(first))
        if last is not None:
            queryset = queryset.filter(created__lt=_midnight(last + timedelta(days=1)))
        return queryset

    @property
    def is_in_force(self) -> bool:
        """True where a day is given."""
        return any(_day(value) is not None for value in self.values.values())

    def fields(self) -> list[Field]:
        names = (gettext_lazy("From (day)"), gettext_lazy("Until (day)"))
        return [
            Field(name, label, self.values[name], kind="date")
            for name, label in zip(self.parameters, names, strict=True)
        ]


class DecisionFilter(QueueFilter):
    """Selects items by the decision that stands: who made it, which it is, and why it was hidden."""

    title = gettext_lazy("decision")
    parameters = ("reviewer", "decision", "reason")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        given = {name: value for name, value in self.values.items() if value}
        if not given:
            return queryset
        if REVIEWER in given:
            given["reviewer_name"] = given.pop(REVIEWER)
        decisions = _decisions().filter(**given)
        if "reason" in given:
            decisions = decisions.exclude(reason="")  # as the index of reasons has it
        if tab_of(request) is not DECIDED:
            return queryset.filter(~Q(outcome=""), pk__in=decisions.values("screening"))
        # the list says that they are decided: PostgreSQL takes what it is told twice for a rarer thing
        if "reviewer_name" in given and "reason" not in given:
            return queryset.filter(Exists(decisions.filter(screening=OuterRef("pk"))))
        return queryset.filter(pk__in=decisions.values("screening"))

    def as_open(self, request: HttpRequest, rows: QuerySet[Screening]) -> QuerySet[Screening]:
        return rows.none() if any(self.values.values()) else rows

    def fields(self) -> list[Field]:
        if tab_of(self.request).is_open and not any(self.values.values()):
            return []  # on none of these items anybody has decided
        names = list(_steps(Review.objects.all(), "reviewer_name", REVIEWERS_OFFERED))
        return [
            Field("reviewer", _("Decided by"), self.values["reviewer"], offered=names),
            Field("decision", _("Decision"), self.values["decision"], list(Review.Decision.choices)),
            Field("reason", _("Reason to hide"), self.values["reason"], list(reasons.reasons().items())),
        ]


class ModelFilter(QueueFilter):
    """Selects texts of one registered model."""

    title = gettext_lazy("model")
    parameters = ("model",)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        chosen = {entry.label: entry.model for entry in registry.registered()}.get(self.value())
        if not self.value():
            return queryset
        return queryset.none() if chosen is None else queryset.filter(content_type=content_type_of(chosen))

    def fields(self) -> list[Field]:
        choices = [(entry.label, entry.model._meta.verbose_name) for entry in registry.registered()]
        return [Field("model", _("What it is"), self.value(), choices)] if len(choices) > 1 else []


FILTERS: tuple[type[QueueFilter], ...] = (
    ScoreFilter,
    LanguageFilter,
    VersionFilter,
    AuthorFilter,
    PageFilter,
    CreatedFilter,
    DecisionFilter,
    ModelFilter,
)
_DECIDING = (Review.Kind.DECISION, Review.Kind.SUGGESTION)
REVIEWER = "reviewer"
"""The parameter that selects by who decided."""


def _decisions() -> QuerySet[Review]:
    """Select the decisions that nobody has taken back."""
    undo = Review.objects.filter(undoes=OuterRef("pk"))
    return Review.objects.filter(~Exists(undo), kind__in=_DECIDING)


def decided_by(reviewer: str, most: int, *, newest_first: bool) -> list[int]:
    """Return the ids of the screenings that the person decided last, or first, each once, `most` at most.

    They are in the order of the decisions, as an index has them, which is that of `Screening.reviewed`: both
    are of the same moment.
    """
    order = ("-created", "-screening_id") if newest_first else ("created", "screening_id")
    rows = _decisions().filter(reviewer_name=reviewer).order_by(*order)
    keys: dict[int, None] = {}
    start = 0
    while len(keys) < most:
        chunk = list(rows.values_list("screening_id", flat=True)[start : start + most])
        keys.update(dict.fromkeys(chunk))
        if len(chunk) < most:
            break
        start += most
    return list(keys)[:most]


def reviewer_of(request: HttpRequest) -> str:
    """Return the name by whose decisions an address narrows a list; empty where it does not."""
    return _value(request.GET.get(REVIEWER, ""))


def fields_of(spec: Any) -> list[Field]:
    """Return the fields of a filter of ours, or the one of a `SimpleListFilter`."""
    if isinstance(spec, QueueFilter):
        return spec.fields()
    label = str(spec.title).capitalize()
    return [Field(spec.parameter_name, label, spec.value() or "", list(spec.lookup_choices))]


def in_words(field: Field) -> str:
    """Say what a field with a value selects, such as "Language: German"."""
    value = field.in_words
    if field.kind == "date" and (day := _day(field.value)) is not None:
        value = formats.date_format(day, "SHORT_DATE_FORMAT")
    return f"{field.label}: {value}"


def _steps(rows: QuerySet[Any], column: str, most: int) -> Iterator[str]:
    """Return the values of a column, by steps along its index in one query, which reads no other rows."""
    connection = connections[rows.db]
    table, name = map(connection.ops.quote_name, (rows.model._meta.db_table, column))
    least = f"SELECT MIN({name}) FROM {table} WHERE NOT ({name} = '') AND {name} >"  # noqa: S608 - names of ours
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE steps(value) AS ({least} '' "  # noqa: S608 - names of ours
            f"UNION ALL SELECT ({least} value) FROM steps WHERE value IS NOT NULL) "
            "SELECT value FROM steps WHERE value IS NOT NULL LIMIT %s",
            [most],
        )
        yield from (value for (value,) in cursor.fetchall())


def _value(written: str) -> str:
    return written.replace("\x00", "").strip()[:255]


def _number(written: str) -> float | None:
    try:
        number = float(written.replace(",", "."))
    except ValueError:
        return None
    return number if 0 <= number <= 1 else None


def _whole(written: str) -> int | None:
    return int(written) if written.isascii() and written.isdecimal() and len(written) < 10 else None


def _day(written: str) -> date | None:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return day if 1900 < day.year < 3000 else None


def _midnight(day: date) -> datetime:
    midnight = datetime.combine(day, time())
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight


OF_THE_MODEL: Sequence[type[QueueFilter]] = (ScoreFilter, VersionFilter)
"""Those that go by what a model said, as the order of the queue does."""
PARAMETERS: Mapping[str, type[QueueFilter]] = {name: each for each in FILTERS for name in each.parameters}
"""{parameter of an address: the filter that takes it}."""


def is_picked(request: HttpRequest) -> bool:
    """True where the address narrows the queue to a topic, an author or the like, or searches in it."""
    return any(
        bool(request.GET.get(name)) for name, each in PARAMETERS.items() if each not in OF_THE_MODEL
    ) or bool(request.GET.get(SEARCH_VAR))
