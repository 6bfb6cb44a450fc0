"""Primary keys as text, one spelling for each key, however a site writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.timezone import get_default_timezone, is_naive, make_aware


def key_field(model: type[models.Model]) -> Any:
    """The field that holds the values of a model's primary key, behind whatever it points to."""
    field: Any = model._meta.pk
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def key_as_text(model: type[models.Model], key: object) -> str:
    """`key` as `str` writes it once it was read from the database: `UUID(hex).hex` and "007" are no others.

    Raises ValidationError for what is no key of the model.
    """
    field = key_field(model)
    value = field.to_python(key)
    if isinstance(value, str):
        return str.__str__(value)  # a member of an enumeration, too
    if isinstance(value, Decimal) and isinstance(field, models.DecimalField):
        return str(value.quantize(Decimal(1).scaleb(-field.decimal_places)))
    if isinstance(value, datetime) and settings.USE_TZ:
        aware = make_aware(value, get_default_timezone()) if is_naive(value) else value
        return str(aware.astimezone(UTC))
    return str(value)
