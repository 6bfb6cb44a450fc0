"""Takes other thresholds: two numbers for each label, or never; what is left empty stays as it is without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from moderation.admin.display.label_names import label_name
from moderation.screening.threshold_sources import Number

Stored = dict[str, dict[str, float | None]]
"""As `Policy.thresholds` has it."""


class ThresholdsForm(forms.Form):
    """Takes two numbers for each label of the active version; what is left empty stays as it is without."""

    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
        help_text=gettext_lazy("Why, for those who come after."),
    )
    is_meant = forms.BooleanField(label=gettext_lazy("I mean it"), required=False)

    def __init__(self, *args: Any, inherited: Mapping[str, Mapping[str, Number]], **kwargs: Any) -> None:
        """Build the fields. inherited: what is in force where a field is left empty."""
        super().__init__(*args, **kwargs)
        self.inherited = inherited
        for label in inherited:
            name = label_name(label)
            for kind, never, title in (
                ("flag", _("%(label)s: never flag"), _("%(label)s: flag from")),
                ("hold", _("%(label)s: never hold"), _("%(label)s: hold from")),
            ):
                self.fields[f"{kind}_{label}"] = forms.FloatField(
                    min_value=0,
                    max_value=1,
                    required=False,
                    label=title % {"label": name},
                    widget=forms.NumberInput(attrs={"step": "any", "data-label": label, "data-kind": kind}),
                )
                self.fields[f"no_{kind}_{label}"] = forms.BooleanField(
                    required=False, label=never % {"label": name}
                )

    def clean(self) -> dict[str, Any]:
        """Refuse a number beside its "never", and a hold threshold under the flag threshold in force."""
        cleaned = super().clean() or self.cleaned_data
        for label, numbers in self.inherited.items():
            for kind in ("flag", "hold"):
                if cleaned.get(f"no_{kind}_{label}") and cleaned.get(f"{kind}_{label}") is not None:
                    self.add_error(f"{kind}_{label}", _("Give a number, or say never; not both."))
            flag, hold = cleaned.get(f"flag_{label}"), cleaned.get(f"hold_{label}")
            flag_from = numbers["flag"].value if flag is None else flag
            if cleaned.get(f"no_flag_{label}"):
                flag_from = None
            if hold is not None and flag_from is None:
                self.add_error(f"hold_{label}", _("A label that never counts holds nothing."))
            elif hold is not None and flag_from is not None and hold < flag_from:
                text = _("Holding starts at or above flagging, which is %(flag)s here.")
                self.add_error(f"hold_{label}", text % {"flag": number_format(round(flag_from, 4))})
        return cleaned

    def thresholds(self) -> Stored:
        """Return the thresholds as `Policy.thresholds` stores them, without those that were left empty."""
        thresholds: Stored = {}
        for label in self.inherited:
            for kind in ("flag", "hold"):
                number = self.cleaned_data.get(f"{kind}_{label}")
                if self.cleaned_data.get(f"no_{kind}_{label}"):
                    thresholds.setdefault(label, {})[kind] = None
                elif number is not None:
                    thresholds.setdefault(label, {})[kind] = number
        return thresholds

    @staticmethod
    def initial_from(thresholds: Mapping[str, Mapping[str, float | None]]) -> dict[str, Any]:
        """Return what the fields show of stored thresholds."""
        initial: dict[str, Any] = {}
        for label, numbers in thresholds.items():
            for kind, number in numbers.items():
                initial[f"no_{kind}_{label}" if number is None else f"{kind}_{label}"] = (
                    True if number is None else number
                )
        return initial
