"""Narrows the queue: by state, label, verdict; and the audit trail by action."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from moderation import audit
from moderation.models import AuditEntry, Screening, screenings
from moderation.models.screenings import has_label
from moderation.versions.active import find_active


class StatusFilter(admin.SimpleListFilter):
    """Shows open items unless another state is chosen: the changelist is a queue first."""

    title = _("status")
    parameter_name = "state"
    OPEN = "open"
    ORDERING = {
        OPEN: ("-severity", "id"),
        "suggested": ("-id",),
        "decided": ("-reviewed", "-id"),
        "failed": ("id",),
        "all": ("-id",),
    }
    """Of each state, as its index has it: a queue has the worst first, a history the newest."""
    CONDITIONS = {
        OPEN: screenings.OPEN,
        "suggested": screenings.WAITING_SUGGESTIONS,
        "decided": screenings.DECIDED,
        "failed": screenings.FAILED,
        "all": Q(),
    }

    @classmethod
    def ordering(cls, request: HttpRequest) -> tuple[str, ...]:
        """Return the order of items that belongs to the chosen state."""
        return cls.ORDERING.get(request.GET.get(cls.parameter_name, cls.OPEN), cls.ORDERING[cls.OPEN])

    @classmethod
    def is_open(cls, request: HttpRequest) -> bool:
        """True where the request shows the queue of open items."""
        return cls.ordering(request) == cls.ORDERING[cls.OPEN]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (self.OPEN, _("open")),
            ("suggested", _("suggested")),
            ("decided", _("decided")),
            ("failed", _("failed")),
            ("all", _("all")),
        ]

    def value(self) -> str:
        return super().value() or self.OPEN

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, title in self.lookup_choices:
            chosen = {} if value == self.OPEN else {self.parameter_name: value}
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string(chosen, [self.parameter_name, "p"]),
                "display": title,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        return queryset.filter(self.CONDITIONS.get(self.value(), screenings.OPEN))


class LabelFilter(admin.SimpleListFilter):
    """Selects items whose score of this label is at or over its threshold.

    In the queue it also selects the audit items that stand in the place of such items: no filter may pick
    those out.
    """

    title = _("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        active = find_active()
        labels = active.labels if active is not None else []
        return [(label, label.replace("_", " ")) for label in labels]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        label = self.value()
        if not label:
            return queryset
        if StatusFilter.is_open(request):
            return queryset.filter(labels__contains=json.dumps(label))
        return queryset.filter(has_label(label))


class VerdictFilter(admin.SimpleListFilter):
    """Items with this verdict, as far as a verdict may be known before the decision.

    The queue has held items, the others, and what no model judged, which is drawn for no audit: what is clear
    there is mostly an audit item, which no filter picks out. In the other lists an open audit item has no
    verdict yet.
    """

    title = _("verdict")
    parameter_name = "verdict__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        choices = dict(Screening.Verdict.choices)
        if StatusFilter.is_open(request):
            del choices[Screening.Verdict.CLEAR]
        return list(choices.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        verdict = self.value()
        if not verdict:
            return queryset
        if StatusFilter.is_open(request) and verdict in (Screening.Verdict.FLAGGED, Screening.Verdict.CLEAR):
            return queryset.filter(verdict__in=[Screening.Verdict.FLAGGED, Screening.Verdict.CLEAR])
        with_verdict = queryset.filter(verdict=verdict)
        if verdict != Screening.Verdict.CLEAR:
            return with_verdict
        return with_verdict.exclude(queued_for=Screening.QueuedFor.AUDIT, outcome="")


class ActionFilter(admin.SimpleListFilter):
    """Offers the actions of the audit trail, by steps along their index: no query reads all rows."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        actions: list[tuple[str, str]] = []
        rows = AuditEntry.objects.order_by("action").values_list("action", flat=True)
        while (action := rows.filter(action__gt=actions[-1][0] if actions else "").first()) is not None:
            actions.append((action, audit.label_of(action)))
        return actions

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        return queryset.filter(action=self.value()) if self.value() else queryset
