"""What the queue can be narrowed to."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from moderation.models import LabelScore, ModelVersion, Screening


class StatusFilter(admin.SimpleListFilter):
    """Open items unless another state is chosen: the changelist is a queue first."""

    title = _("status")
    parameter_name = "state"
    OPEN = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (self.OPEN, _("open")),
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
        match self.value():
            case "all":
                return queryset
            case "decided":
                return queryset.exclude(outcome="")
            case "failed":
                return queryset.filter(is_current=True, status=Screening.Status.FAILED)
            case _:
                return queryset.filter(is_current=True, outcome="").exclude(queued_for="")


class LabelFilter(admin.SimpleListFilter):
    """Items of which the model said that this label is at or over its threshold."""

    title = _("label")
    parameter_name = "label"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        labels = ModelVersion.objects.filter(is_active=True).values_list("labels", flat=True).first() or []
        return [(label, label.replace("_", " ")) for label in labels]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Screening]) -> QuerySet[Screening]:
        if not self.value():
            return queryset
        counted = LabelScore.objects.filter(
            scoring__screening=OuterRef("pk"), scoring__is_basis=True, label=self.value()
        )
        # An open audit item shows no scores, so a filter must not tell them either.
        unseen_audit = {"queued_for": Screening.QueuedFor.AUDIT, "outcome": ""}
        return queryset.filter(Exists(counted)).exclude(**unseen_audit)
