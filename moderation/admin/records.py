"""Shows what was recorded: training runs, reviews, the audit trail."""

from typing import Any

from django.contrib import admin
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, When
from django.db.models.functions import Cast, Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation import audit
from moderation.admin.display.json_tables import as_table, changes, excerpt
from moderation.admin.display.label_names import label_name
from moderation.admin.display.stored_names import kind_of
from moderation.admin.item.presenting import title_of
from moderation.admin.queue.filters import ActionFilter
from moderation.admin.queue.search import of_object
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.admin.training import AskForTraining
from moderation.admin.training_report.page import TrainingReportPages
from moderation.models import (
    AuditEntry,
    Review,
    Screening,
    ScreeningRun,
    TrainingRun,
)
from moderation.review import rights, second_opinions
from moderation.review.reasons import label_of

EXCERPT = 200
"""Characters of a text in a list of reviews."""


@admin.register(TrainingRun)
class TrainingRunAdmin(AskForTraining, TrainingReportPages, ReadOnlyAdmin):
    """Shows the attempts to train a better version, and how each compared."""

    class Media:
        css = {"all": ("moderation/list.css",)}

    fields = (
        *(
            "status",
            "how_far",
            "result",
            "report_link",
            "parent",
            "candidate",
            "options_table",
            "counts_table",
        ),
        *("comparison_table", "error_code", "started_by_name", "created", "started", "finished"),
    )
    list_display = (
        *("id", "status", "how_far", "result", "parent", "candidate"),
        *("started", "finished", "error_code"),
    )
    list_select_related = ("parent", "candidate")
    list_filter = ("status", "result")

    @admin.display(description=gettext_lazy("options"))
    def options_table(self, run: TrainingRun) -> SafeString:
        return as_table(run.options)

    @admin.display(description=gettext_lazy("counts"))
    def counts_table(self, run: TrainingRun) -> SafeString:
        return as_table(run.counts)

    @admin.display(description=gettext_lazy("comparison"))
    def comparison_table(self, run: TrainingRun) -> SafeString:
        """Show the figures; single comments stand in the report, which knows who may see which of them."""
        return as_table({name: told for name, told in run.comparison.items() if name != "changes"})


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
    """Shows what people decided, each with the beginning of its text and a way to the item."""

    class Media:
        css = {"all": ("moderation/list.css",)}

    list_display = ("item", "text_shown", "what", "true_labels", "note_shown", "reviewer_name", "created")
    list_display_links = ("created",)
    list_filter = ("kind", "decision", "outcome", "created")
    search_fields = ("reviewer_name", "screening__object_id")
    search_help_text = gettext_lazy("Exact name of the reviewer, or exact id of the comment")
    ordering = ("-id",)
    fields = (
        "item",
        "number",
        "kind",
        "decision",
        "outcome",
        "labels_table",
        "reason",
        "undoes",
        "model_version",
        "reviewer_name",
        "note",
        "created",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        reviews: QuerySet[Review] = rights.about_visible(request.user, super().get_queryset(request))
        reviews = second_opinions.about_undealt(request.user, reviews)  # type: ignore[arg-type]
        with_texts = reviews.select_related("screening__content_type", "model_version", "undoes")
        return with_texts.annotate(beginning=Left("screening__text", EXCERPT + 1)).defer(
            "screening__text", "model_version__manifest", "model_version__metrics"
        )

    @admin.display(description=gettext_lazy("item"))
    def item(self, review: Review) -> SafeString:
        return _item_link(review.screening_id, title_of(review.screening))

    @admin.display(description=gettext_lazy("text"))
    def text_shown(self, review: Review) -> SafeString | str:
        if review.screening.blanked:
            return _("The text was removed.")
        return excerpt(review.beginning, EXCERPT)  # type: ignore[attr-defined]  # annotated in get_queryset

    @admin.display(description=gettext_lazy("what"))
    def what(self, review: Review) -> str:
        reason = label_of(review.reason) if review.reason else ""
        parts = (
            review.get_kind_display() if review.kind != Review.Kind.DECISION else "",
            review.get_decision_display(),
            reason,
            review.get_outcome_display(),
        )
        return ", ".join(str(part) for part in parts if part)

    @admin.display(description=gettext_lazy("labels"))
    def true_labels(self, review: Review) -> SafeString:
        return as_table([label_name(label) for label, value in review.labels.items() if value])

    @admin.display(description=gettext_lazy("labels"))
    def labels_table(self, review: Review) -> SafeString:
        return as_table(
            {label: _("not looked at") if value is None else value for label, value in review.labels.items()}
        )

    @admin.display(description=gettext_lazy("note"))
    def note_shown(self, review: Review) -> SafeString | str:
        return excerpt(review.note) if review.note else ""

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
    """Shows who changed what: of each entry the values that changed, a line each."""

    class Media:
        css = {"all": ("moderation/list.css",)}

    list_display = ("created", "username", "what", "target", "changed")
    list_filter = (ActionFilter, "created")
    search_fields = ("username__exact", "target_id__exact")
    search_help_text = gettext_lazy("Exact name of who did it, or exact id of what was changed")
    ordering = ("-id",)
    fields = ("created", "username", "what", "target", "before_table", "after_table")

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        entries = _about_visible(request.user, super().get_queryset(request))
        keys = map(str, second_opinions.dealt_to(request.user))  # type: ignore[arg-type]
        return entries.exclude(target_type=Screening._meta.model_name, target_id__in=list(keys))

    @admin.display(description=gettext_lazy("action"), ordering="action")
    def what(self, entry: AuditEntry) -> SafeString:
        """The label of the action, and its code, which pages and programs go by."""
        return format_html("{} <code>{}</code>", audit.label_of(entry.action), entry.action)

    @admin.display(description=gettext_lazy("of what"))
    def target(self, entry: AuditEntry) -> SafeString | str:
        title = f"{kind_of(entry.target_type)} {entry.target_id}".strip()
        is_of_an_item = entry.target_type == Screening._meta.model_name and entry.target_id.isdecimal()
        return _item_link(int(entry.target_id), title) if is_of_an_item else title

    @admin.display(description=gettext_lazy("what changed"))
    def changed(self, entry: AuditEntry) -> SafeString:
        return changes(entry.before, entry.after)

    @admin.display(description=gettext_lazy("before"))
    def before_table(self, entry: AuditEntry) -> SafeString:
        return as_table(entry.before)

    @admin.display(description=gettext_lazy("after"))
    def after_table(self, entry: AuditEntry) -> SafeString:
        return as_table(entry.after)


def _item_link(key: int, title: str) -> SafeString:
    """Return a link to the page of an item of the queue."""
    address = reverse("admin:moderation_screening_change", args=(key,))
    return format_html('<a class="moderation-item-link" href="{}">{}</a>', address, title)


def _about_visible(user: Any, entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    """Leave out the entries about screenings that the user may not see."""
    if not rights.is_restricted(user):
        return entries
    is_of_a_screening = Q(target_type=Screening._meta.model_name)
    # in a CASE, as the ids of other targets need not be numbers
    screening = Case(When(is_of_a_screening, then=Cast("target_id", BigIntegerField())))
    same = rights.visible(user, Screening.objects.order_by()).filter(pk=OuterRef("screening_shown"))
    return entries.annotate(screening_shown=screening).filter(~is_of_a_screening | Exists(same))
