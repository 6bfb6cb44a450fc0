"""Shows the thresholds that there were and those in force, and adds new ones."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation import registry
from moderation.admin.read_only import ReadOnlyAdmin
from moderation.admin.records import pretty_json
from moderation.audit import Actor
from moderation.models import Policy
from moderation.screening.judging import has_newer_policy, newest_policy
from moderation.screening.policy_changes import put_in_force
from moderation.versions.active import find_active


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
        return pretty_json(policy.thresholds)


def _active_labels() -> list[str]:
    active = find_active()
    return list(active.labels) if active is not None else []
