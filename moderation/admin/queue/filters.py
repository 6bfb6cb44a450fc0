"""Narrows the queue: by list, label, verdict; and the audit trail by action."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from moderation import audit
from moderation.admin.display.label_names import label_name
from moderation.admin.queue import tabs
from moderation.models import AuditEntry, Screening
from moderation.models.conditions import UNDECIDED_DRAWN, has_label, may_have_label
from moderation.review import claims
from moderation.versions.active import find_active


class StatusFilter(admin.SimpleListFilter):
    """Shows the items of the chosen list, see `tabs`: open ones unless another is chosen, as a queue does."""

    title = _("status")
    parameter_name = tabs.PARAMETER

    @staticmethod
    def is_open(request: HttpRequest) -> bool:
        """True where the request shows items that wait for a decision."""
        return tabs.tab_of(request).is_open

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        self.tab = tabs.tab_of(request)
        return [(tab.name, tab.title) for tab in tabs.TABS]

    def value(self) -> str:
        return self.tab.name

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        return queryset.filter(self.tab.condition(request))

    def as_open(self, request: HttpRequest, rows: QuerySet[Screening]) -> QuerySet[Screening]:
        """Narrow decided rows as if they were open audit items, of which the reader may hold some."""
        if self.tab is tabs.MINE:
            keys = list(rows.order_by().values_list("pk", flat=True))
            return rows.filter(pk__in=claims.held_among(request.user, keys))
        return rows if self.tab.name in (*tabs.WITH_BLIND, tabs.ALL) else rows.none()


class ChoiceFilter(admin.SimpleListFilter):
    """Takes a value from the address, without the null characters that PostgreSQL has no text with."""

    def value(self) -> str | None:
        value = super().value()
        return value.replace("\x00", "") if value else value


class LabelFilter(ChoiceFilter):
    """Selects items whose score of this label is at or over its threshold.

    It also selects the audit items that stand in the place of such items, until somebody has decided: no
    filter, and no two lists held against each other, may pick those out.
    """

    title = _("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        active = find_active()
        labels = active.labels if active is not None else []
        return [(label, label_name(label)) for label in labels]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        label = self.value()
        if not label:
            return queryset
        if StatusFilter.is_open(request):
            return queryset.filter(labels__contains=json.dumps(label))
        if tabs.tab_of(request) is tabs.DECIDED:  # which has no undecided audit items
            return queryset.filter(has_label(label))
        return queryset.filter(may_have_label(label))

    def as_open(self, request: HttpRequest, rows: QuerySet[Screening]) -> QuerySet[Screening]:
        """Narrow decided rows as if they were open audit items."""
        label = self.value()
        return rows.filter(labels__contains=json.dumps(label)) if label else rows


class VerdictFilter(ChoiceFilter):
    """Items with this verdict, as far as a verdict may be known before the decision.

    The queue has held items, the others, and what no model judged, which is drawn for no audit: what is clear
    there is mostly an audit item, which no filter picks out. In the other lists a drawn item counts as
    flagged until somebody has decided.
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
        if verdict == Screening.Verdict.FLAGGED:
            return queryset.filter(Q(verdict=verdict) | UNDECIDED_DRAWN)
        return queryset.filter(Q(verdict=verdict) & ~UNDECIDED_DRAWN)

    def as_open(self, request: HttpRequest, rows: QuerySet[Screening]) -> QuerySet[Screening]:
        """Narrow decided rows as if they were open audit items."""
        verdicts = ["", None, Screening.Verdict.FLAGGED]
        if StatusFilter.is_open(request):
            verdicts.append(Screening.Verdict.CLEAR)
        return rows if self.value() in verdicts else rows.none()


class ActionFilter(ChoiceFilter):
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
