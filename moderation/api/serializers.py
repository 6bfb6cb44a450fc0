"""What `classify/` takes and gives."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from moderation.conf import conf


@extend_schema_field(str)
class AnyString(serializers.Field):
    """Any JSON string: REST framework's CharField refuses NUL and lone surrogates, and trims."""

    default_error_messages = {"invalid": "Not a string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data

    def to_representation(self, value: str) -> str:
        return value


class ClassifyRequest(serializers.Serializer):
    """One text, or several."""

    text = AnyString(required=False)
    texts = serializers.ListField(child=AnyString(), required=False, allow_empty=True)

    def validate_texts(self, texts: list[str]) -> list[str]:
        if len(texts) > conf.CLASSIFY_MAX_TEXTS:
            raise serializers.ValidationError(f"At most {conf.CLASSIFY_MAX_TEXTS} texts in one request.")
        return texts

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("text" in attrs) == ("texts" in attrs):
            raise serializers.ValidationError('Give either "text", a string, or "texts", a list of strings.')
        return attrs


class Classification(serializers.Serializer):
    """What the model and the policy in force make of one text."""

    label = serializers.CharField(  # type: ignore[assignment]  # a Field has a label of its own
        help_text="The label with the highest score, flagged or not."
    )
    confidence = serializers.FloatField(help_text="That label's score: a calibrated probability, 0 to 1.")
    all_scores = serializers.DictField(child=serializers.FloatField(), help_text="{label: score}")
    flagged = serializers.BooleanField(help_text="Whether any label is at or over its threshold.")
    model = serializers.CharField(help_text="The model version that scored, as name@version.")


class Classifications(serializers.Serializer):
    """One classification for each text, in their order."""

    results = Classification(many=True)
