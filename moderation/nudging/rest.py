"""A validator and a mixin for REST framework's serializers: 400 with code `nudge`, a label and a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from rest_framework import serializers

from moderation.nudging import consent
from moderation.objects.live_text import BETWEEN_PARTS
from moderation.screening import nudged

__all__ = ["NudgeSerializerMixin", "NudgeValidator"]

if TYPE_CHECKING:
    Base = serializers.BaseSerializer
else:
    Base = object


class NudgeValidator:
    """Refuses a text that may hurt, once: among `Meta.validators` of a serializer.

    The client finds label, words and token under the key `nudge`, and sends the token as `post_anyway` beside
    the same text to post it.
    """

    requires_context = True

    def __init__(self, *fields: str, model: type[Model] | None = None) -> None:
        """fields: whose texts are looked at. model: see `look_at`; None: a ModelSerializer's own."""
        self.fields = fields
        self.model = model

    def __call__(self, attrs: dict[str, Any], serializer: Any) -> None:
        """Raise ValidationError where the author is to be told first."""
        given = getattr(serializer, "initial_data", None)
        if not isinstance(given, Mapping) or not any(name in attrs for name in self.fields):
            # One of a list, or inside another: no token could come back. Or the text is left alone.
            return
        model = self.model or getattr(getattr(serializer, "Meta", None), "model", None)
        text = BETWEEN_PARTS.join(str(attrs.get(name) or "") for name in self.fields)
        token = given.get(consent.FIELD)
        decision = consent.decide(text, token if isinstance(token, str) else "", model)
        serializer.nudge_answer = decision.answer
        if decision.nudge is not None:
            label = decision.nudge.label
            detail = {
                "label": label,
                "says": decision.nudge.says,
                consent.FIELD: consent.token_for(text, label),
            }
            raise serializers.ValidationError({"nudge": detail}, code="nudge")


class NudgeSerializerMixin(Base):
    """Notes on the screening what the author did; for a serializer with a NudgeValidator."""

    nudge_answer: str = ""
    """What the author did who was told: a value of `Screening.Nudged`."""

    def save(self, **kwargs: Any) -> Any:
        """Save, and note it on the screening that the save makes."""
        with nudged.saving(self.nudge_answer):
            return super().save(**kwargs)
