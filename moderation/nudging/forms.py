"""A mixin for Django's forms: the first submit of a text that may hurt comes back with a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.db.models import Model

from moderation import registry
from moderation.nudging import consent, scoring
from moderation.nudging.scoring import Nudge
from moderation.objects.live_text import BETWEEN_PARTS
from moderation.screening import nudged

__all__ = ["NudgeFormMixin"]

AnyModel = TypeVar("AnyModel", bound=Model)
if TYPE_CHECKING:
    Base = forms.Form
else:
    Base = object


class NudgeFormMixin(Base):
    """Nudges the author of a form's text once for each text; put it before the form's own class.

    A text that may hurt makes the form invalid, with a message of code `nudge` that belongs to no field. The
    form then holds a signed token in the hidden field `post_anyway`: sent again with the same text it is
    valid, and with another text that one is looked at.
    """

    nudge_fields: Sequence[str] = ()
    """The fields whose text is looked at; empty: the columns that are screened of the form's model."""
    nudge_model: type[Model] | None = None
    """Whose policy counts; None: that of a ModelForm's own model, or the policy for all models."""
    nudge: Nudge | None = None
    """What the author is told, once the form was validated and came back for it."""
    nudge_answer: str = ""
    """What the author did who was told: a value of `Screening.Nudged`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hidden = forms.HiddenInput(attrs={"autocomplete": "off"})
        self.fields[consent.FIELD] = forms.CharField(required=False, widget=hidden)
        if not self.is_bound:
            scoring.warm_up()  # the page is shown now, the text comes in a while

    def full_clean(self) -> None:
        """Look at the text, once everything else about the form is right."""
        super().full_clean()
        if self.is_bound and not self.errors and self.wants_nudge():
            self._look()

    def wants_nudge(self) -> bool:
        """True where the text is to be looked at now; a form may say that it is only a preview, say."""
        return True

    def nudge_text(self) -> str:
        """The text that is looked at, of a form that has been cleaned."""
        return BETWEEN_PARTS.join(str(self.cleaned_data.get(name) or "") for name in self._nudge_fields())

    def mark(self, instance: AnyModel) -> AnyModel:
        """Note on an unsaved instance what the author did, for its screening; returns the instance."""
        if self.nudge_answer:
            nudged.mark(instance, self.nudge_answer)
        return instance

    def get_comment_object(self, *args: Any, **kwargs: Any) -> Any:
        """The comment of a form of django-contrib-comments, marked."""
        return self.mark(super().get_comment_object(*args, **kwargs))  # type: ignore[misc]

    def _look(self) -> None:
        token = str(self.cleaned_data.pop(consent.FIELD, "") or "")
        text = self.nudge_text()
        decision = consent.decide(text, token, self._model())
        self.nudge, self.nudge_answer = decision.nudge, decision.answer
        if decision.nudge is not None:
            self.add_error(None, forms.ValidationError(decision.nudge.says, code="nudge"))
            data: Any = self.data
            self.data = data = data.copy()  # a request's own can't be changed
            data[self.add_prefix(consent.FIELD)] = consent.token_for(text, decision.nudge.label)
        elif isinstance(self, forms.BaseModelForm):
            self.mark(self.instance)

    def _model(self) -> type[Model] | None:
        if self.nudge_model is None and isinstance(self, forms.BaseModelForm):
            return type(self.instance)
        return self.nudge_model

    def _nudge_fields(self) -> Sequence[str]:
        model = self._model()
        entry = None if model is None else registry.for_model(model)
        return self.nudge_fields or (entry.text.columns if entry is not None else ())
