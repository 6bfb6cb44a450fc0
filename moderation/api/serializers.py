"""Describes what `classify/` takes and returns."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from moderation.conf import conf


@extend_schema_field(str)
class AnyString(serializers.Field):
    """Takes any JSON string: REST framework's CharField refuses NUL and lone surrogates, and trims."""

    default_error_messages = {"invalid": "Not a string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class Texts(serializers.Field):
    """Takes a list of JSON strings; checks type and length first, and ends at the first wrong element.

    REST framework's ListField looks at every element, and makes an error of each that is wrong.
    """

    default_error_messages = {
        "not_a_list": 'Expected a list of strings but got type "{kind}".',
        "too_many": "At most {most} texts in one request.",
        "invalid": "Not a string: item {place}.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.fail("not_a_list", kind=type(data).__name__)
        if len(data) > conf.CLASSIFY_MAX_TEXTS:
            self.fail("too_many", most=conf.CLASSIFY_MAX_TEXTS)
        for place, text in enumerate(data, start=1):
            if not isinstance(text, str):
                self.fail("invalid", place=place)
        return data

    def to_representation(self, value: list[str]) -> list[str]:
        return value


class ClassifyRequest(serializers.Serializer):
    """One text, or several."""

    text = AnyString(required=False)
    texts = Texts(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("text" in attrs) == ("texts" in attrs):
            raise serializers.ValidationError('Give either "text", a string, or "texts", a list of strings.')
        return attrs


class Classification(serializers.Serializer):
    """What the model and the policy in force make of one text."""

    label = serializers.CharField(  # type: ignore[assignment]  # a Field has a label of its own
        help_text="The label with the highest score. It is named for a clean text as well: `flagged` says "
        "whether any label counts."
    )
    confidence = serializers.FloatField(help_text="That label's score: a calibrated probability, 0 to 1.")
    all_scores = serializers.DictField(child=serializers.FloatField(), help_text="{label: score}")
    flagged = serializers.BooleanField(help_text="Whether any label is at or over its threshold.")
    model = serializers.CharField(help_text="The model version that scored, as name@version.")


class Classifications(serializers.Serializer):
    """One classification for each text, in their order."""

    results = Classification(many=True)
