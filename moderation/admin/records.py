"""Shows what was recorded: versions, training runs, reviews, the audit trail; adds thresholds."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation import audit, registry
from moderation.admin.filters import ActionFilter
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.admin.search import of_object
from moderation.audit import Actor
from moderation.models import (
    AuditEntry,
    ModelVersion,
    Policy,
    Review,
    Screening,
    ScreeningRun,
    TrainingRun,
)
from moderation.screening.judging import has_newer_policy, newest_policy
from moderation.screening.policy_changes import put_in_force
from moderation.versions.active import find_active


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
        return _pretty(version.thresholds)

    @admin.display(description=gettext_lazy("metrics"))
    def measured(self, version: ModelVersion) -> SafeString:
        return _pretty(version.metrics)


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
        "undoes",
        "model_version",
        "reviewer_name",
        "note",
        "created",
    )

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

    @admin.display(description=gettext_lazy("action"), ordering="action")
    def what(self, entry: AuditEntry) -> SafeString:
        """The label of the action, and its code, which pages and programs go by."""
        return format_html("{} <code>{}</code>", audit.label_of(entry.action), entry.action)


class PolicyForm(forms.ModelForm):
    """Takes new thresholds, filled in with those in force; two numbers per label of the active version."""

    class Meta:
        model = Policy
        fields = ("model_label", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.labels: list[str] = _active_labels()
        labels = [("", _("every model without thresholds of its own"))]
        labels += [(entry.label, entry.label) for entry in registry.registered()]
        self.fields["model_label"] = forms.ChoiceField(choices=labels, required=False, label=_("Model"))
        for label in self.labels:
            name = label.replace("_", " ")
            for kind, title, help_text in (
                ("flag", _("%(label)s: flag from"), _("Empty: as the model version says.")),
                ("hold", _("%(label)s: hold from"), _("Empty: as the setting says. 1 and above: never.")),
            ):
                self.fields[f"{kind}_{label}"] = forms.FloatField(
                    min_value=0,
                    max_value=1 if kind == "flag" else None,
                    required=False,
                    label=title % {"label": name},
                    help_text=help_text,
                    widget=forms.NumberInput(attrs={"step": "any"}),
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for label in self.labels:
            flag, hold = cleaned.get(f"flag_{label}"), cleaned.get(f"hold_{label}")
            if flag is not None and hold is not None and hold < flag:
                self.add_error(f"hold_{label}", _("Holding starts at or above flagging."))
        return cleaned

    def thresholds(self) -> dict[str, dict[str, float | None]]:
        """Return the thresholds as `Policy.thresholds` stores them, without those that were left empty."""
        thresholds: dict[str, dict[str, float | None]] = {}
        for label in self.labels:
            flag, hold = self.cleaned_data.get(f"flag_{label}"), self.cleaned_data.get(f"hold_{label}")
            if flag is not None:
                thresholds.setdefault(label, {})["flag"] = flag
            if hold is not None:
                thresholds.setdefault(label, {})["hold"] = None if hold >= 1 else hold
        return thresholds


@admin.register(Policy)
class PolicyAdmin(ReadOnlyAdmin):
    """Adds a row for each change of thresholds; the newest of a model is in force."""

    list_display = ("covers", "created", "created_by_name", "note", "is_in_force")
    ordering = ("-id",)
    form = PolicyForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Policy]:
        policies: QuerySet[Policy] = super().get_queryset(request)
        return policies.annotate(is_outdated=has_newer_policy())

    def get_fields(self, request: HttpRequest, obj: Policy | None = None) -> Any:
        if obj is not None:
            return ("model_label", "threshold_table", "note", "created_by_name", "created")
        numbers = [f"{kind}_{label}" for label in _active_labels() for kind in ("flag", "hold")]
        return ("model_label", *numbers, "note")

    def get_readonly_fields(self, request: HttpRequest, obj: Policy | None = None) -> Any:
        return self.get_fields(request, obj) if obj is not None else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        # The numbers are the form's own: the factory would look for them among the model's fields.
        return super().get_form(request, obj, change, **{**kwargs, "fields": ("model_label", "note")})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        before = newest_policy(str(initial.get("model_label", "")))
        for label, numbers in (before.thresholds if before else {}).items():
            if "flag" in numbers:
                initial.setdefault(f"flag_{label}", numbers["flag"])
            if "hold" in numbers:
                initial.setdefault(f"hold_{label}", 1 if numbers["hold"] is None else numbers["hold"])
        return initial

    def save_model(self, request: HttpRequest, obj: Policy, form: PolicyForm, change: bool) -> None:
        """Store the new row and its audit entry."""
        obj.thresholds = form.thresholds()
        put_in_force(obj, Actor(request.user, request.user.get_username()))

    @admin.display(description=gettext_lazy("model"))
    def covers(self, policy: Policy) -> str:
        return policy.model_label or _("every other model")

    @admin.display(description=gettext_lazy("in force"), boolean=True)
    def is_in_force(self, policy: Policy) -> bool:
        return not policy.is_outdated  # type: ignore[attr-defined]  # annotated in get_queryset

    @admin.display(description=gettext_lazy("thresholds"))
    def threshold_table(self, policy: Policy) -> SafeString:
        return _pretty(policy.thresholds)


def _active_labels() -> list[str]:
    active = find_active()
    return list(active.labels) if active is not None else []


def _pretty(value: Any) -> SafeString:
    return format_html('<pre class="moderation-json">{}</pre>', json.dumps(value, indent=2, sort_keys=True))
