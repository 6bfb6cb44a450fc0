"""Describes what `classify/` takes and returns."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from moderation.api.fields import Boolean
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
    explain = Boolean(
        required=False, default=False, help_text="Also say which words drove each text's highest label."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("text" in attrs) == ("texts" in attrs):
            raise serializers.ValidationError('Give either "text", a string, or "texts", a list of strings.')
        return attrs


class WordPart(serializers.Serializer):
    """A word and its part in a score."""

    text = serializers.CharField()
    start = serializers.IntegerField(help_text="Where it begins, in code points.")
    end = serializers.IntegerField()
    value = serializers.FloatField(help_text="By how much the label's log-odds fall without the word.")


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
    language = serializers.CharField(
        allow_blank=True,
        help_text="The text's language, as a BCP 47 tag: one of the model's own, which a text that says too "
        "little counts as, or another one, of which the scores mean little. Empty where it can't be told.",
    )
    words = WordPart(
        many=True,
        required=False,
        allow_null=True,
        help_text="With `explain`: the words that spoke most for `label`, the strongest first; null where "
        "the time for explaining was over.",
    )


class Classifications(serializers.Serializer):
    """One classification for each text, in their order."""

    results = Classification(many=True)
