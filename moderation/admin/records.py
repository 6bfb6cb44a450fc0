"""Shows what was recorded: versions, training runs, reviews, the audit trail."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, When
from django.db.models.functions import Cast
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from moderation import audit
from moderation.admin.filters import ActionFilter
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.admin.search import of_object
from moderation.models import (
    AuditEntry,
    ModelVersion,
    Review,
    Screening,
    ScreeningRun,
    TrainingRun,
)
from moderation.review import rights


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    """Shows versions; `manage.py model_versions activate` activates them, where the files can be checked."""

    list_display = ("__str__", "is_active", "activated", "parent", "created")
    list_select_related = ("parent",)
    fields = (
        "name",
        "version",
        "is_active",
        "activated",
        "parent",
        "location",
        "manifest_sha256",
        "threshold_table",
        "measured",
        "created",
    )

    @admin.display(description=gettext_lazy("thresholds"))
    def threshold_table(self, version: ModelVersion) -> SafeString:
        return pretty_json(version.thresholds)

    @admin.display(description=gettext_lazy("metrics"))
    def measured(self, version: ModelVersion) -> SafeString:
        return pretty_json(version.metrics)


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "result", "parent", "candidate", "started", "finished", "error_code")
    list_select_related = ("parent", "candidate")
    list_filter = ("status", "result")


@admin.register(ScreeningRun)
class ScreeningRunAdmin(ReadOnlyAdmin):
    """Shows the long runs of `manage.py rescreen`, and how far each has come."""

    list_display = (
        "id",
        "kind",
        "model_version",
        "passed",
        "total",
        "started_by_name",
        "updated",
        "finished",
    )
    list_select_related = ("model_version",)
    list_filter = ("kind",)
    ordering = ("-id",)


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ("screening_id", "number", "kind", "decision", "outcome", "reviewer_name", "created")
    list_filter = ("kind", "decision", "outcome", "created")
    search_fields = ("reviewer_name", "screening__object_id")
    search_help_text = gettext_lazy("Exact name of the reviewer, or exact id of the comment")
    ordering = ("-id",)
    fields = (
        "screening",
        "number",
        "kind",
        "decision",
        "outcome",
        "labels",
        "reason",
        "undoes",
        "model_version",
        "reviewer_name",
        "note",
        "created",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        return rights.about_visible(request.user, super().get_queryset(request))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Review], search_term: str
    ) -> tuple[QuerySet[Review], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        screenings = Screening.objects.filter(of_object(term)).values("pk")
        return queryset.filter(Q(reviewer_name=term) | Q(screening__in=screenings)), False


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created", "username", "what", "target_type", "target_id", "before", "after")
    list_filter = (ActionFilter, "created")
    search_fields = ("username__exact", "target_id__exact")
    search_help_text = gettext_lazy("Exact name of who did it, or exact id of what was changed")
    ordering = ("-id",)
    fields = ("created", "username", "what", "target_type", "target_id", "before", "after")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return _about_visible(request.user, super().get_queryset(request))

    @admin.display(description=gettext_lazy("action"), ordering="action")
    def what(self, entry: AuditEntry) -> SafeString:
        """The label of the action, and its code, which pages and programs go by."""
        return format_html("{} <code>{}</code>", audit.label_of(entry.action), entry.action)


def _about_visible(user: Any, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    """Leave out the entries about screenings that the user may not see."""
    if not rights.is_restricted(user):
        return entries
    is_of_a_screening = Q(target_type=Screening._meta.model_name)
    # in a CASE, as the ids of other targets need not be numbers
    screening = Case(When(is_of_a_screening, then=Cast("target_id", BigIntegerField())))
    same = rights.visible(user, Screening.objects.order_by()).filter(pk=OuterRef("screening_shown"))
    return entries.annotate(screening_shown=screening).filter(~is_of_a_screening | Exists(same))


def pretty_json(value: Any) -> SafeString:
    return format_html('<pre class="moderation-json">{}</pre>', json.dumps(value, indent=2, sort_keys=True))
