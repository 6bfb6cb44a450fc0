"""What a reader and an author fill in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from moderation.review.reasons import report_reasons
from moderation.review.second_looks import WORDS_CHARACTERS
from moderation.screening.reports import NOTE_CHARACTERS


class ReportForm(forms.Form):
    """Asks a reader why, and for a few words."""

    reason = forms.ChoiceField(label=_("What is wrong with it?"), widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("Anything that a moderator should know (optional)"),
        required=False,
        max_length=NOTE_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields["reason"]
        assert isinstance(reason, forms.ChoiceField)  # noqa: S101 - for the type checker
        reason.choices = list(report_reasons().items())


class SecondLookForm(forms.Form):
    """Asks an author for a few words."""

    words = forms.CharField(
        label=_("What should the other moderator know? (optional)"),
        required=False,
        max_length=WORDS_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
