"""Fields that take what the OpenAPI description says, and nothing that only looks like it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

MOST_ID = 2**63 - 1
"""What a key's column holds; PostgreSQL raises at more."""


def as_id(value: str) -> int | None:
    """Read a key in decimal digits; None where no row could have it."""
    if not (value.isascii() and value.isdecimal() and len(value) <= len(str(MOST_ID))):
        return None
    number = int(value)
    return number if 1 <= number <= MOST_ID else None


class Number(serializers.IntegerField):
    """A whole number of a query, in decimal digits."""

    def __init__(self, *, most: int = MOST_ID, **options: Any) -> None:
        super().__init__(min_value=1, max_value=most, **options)

    def to_internal_value(self, data: Any) -> int:
        number = as_id(data) if isinstance(data, str) else None
        if number is None or number > (self.max_value or MOST_ID):
            raise serializers.ValidationError(f"Give a whole number from 1 to {self.max_value}.", "invalid")
        return number


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MOST_ID})
class Id(serializers.Field):
    """A key in a JSON body: a number."""

    default_error_messages = {"invalid": "Give the id, a whole number."}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool) or not 1 <= data <= MOST_ID:
            self.fail("invalid")
        return data

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": 2**31 - 1})
class Count(serializers.Field):
    """A number from 0 in a JSON body."""

    default_error_messages = {"invalid": "Give a whole number from 0."}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool) or not 0 <= data < 2**31:
            self.fail("invalid")
        return data

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field(bool)
class Boolean(serializers.Field):
    """`true` or `false` in a JSON body."""

    default_error_messages = {"invalid": "Give true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data

    def to_representation(self, value: bool) -> bool:
        return value


@extend_schema_field(bool)
class QueryBoolean(serializers.Field):
    """`true` or `false` in a query."""

    default_error_messages = {"invalid": "Give true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            self.fail("invalid")
        return bool(data == "true")

    def to_representation(self, value: bool) -> bool:
        return value


class Text(serializers.CharField):
    """A JSON string, taken as it stands; no number is one. NUL and lone surrogates are refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Choice(serializers.ChoiceField):
    """One of some strings; the error names them, and does not repeat what was given."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(
                f"Choose one of: {', '.join(map(str, self.choices))}.", "invalid_choice"
            )
        return data
