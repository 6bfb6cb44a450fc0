"""Pages of a list, each from where the one before ended: no page counts or steps over rows.

A cursor names the last row of a page by its id, and nothing else of it. The queue is ordered by severity,
which of a blind item nobody may know, so the row's place is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from moderation.api.fields import Number, Text, as_id

Order = tuple[str, ...]
NEWEST: Order = ("-id",)
MOST = 100


class PageQuery(serializers.Serializer):
    """Which part of a list is asked for."""

    limit = Number(most=MOST, required=False, default=20, help_text="How many a page has.")
    cursor = Text(required=False, max_length=64, help_text="Of the address under `next`; never made by hand.")


def read_query(request: Request, query: type[serializers.Serializer]) -> Mapping[str, Any]:
    """Return the checked parameters of a request. Raises ValidationError, also for an unknown parameter."""
    asked = query(data={name: request.query_params[name] for name in request.query_params})
    if set(request.query_params) - set(asked.fields):
        names = ", ".join(asked.fields) or "none"
        raise ValidationError({"non_field_errors": [f"Parameters that there are: {names}."]})
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def page(
    request: Request, rows: QuerySet[Any], asked: Mapping[str, Any], order: Order = NEWEST
) -> tuple[list[Any], str | None]:
    """Return the rows of one page, in `order`, and the address of the next one; None after the last.

    order: ends in the id, which makes each place one row's. Raises ValidationError for a cursor of no such
    list.
    """
    if "cursor" in asked:
        rows = rows.filter(_after(rows.model, asked["cursor"], order))
    listed = list(rows.order_by(*order)[: asked["limit"] + 1])
    if len(listed) <= asked["limit"]:
        return listed, None
    listed.pop()
    cursor = f"{_code(order)}{listed[-1].pk}"
    return listed, replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def page_of(item: type[serializers.Serializer], name: str) -> type[serializers.Serializer]:
    """Make the serializer of a page of `item`, for the description."""
    fields = {
        "next": serializers.CharField(allow_null=True, help_text="Address of the next page; null: the last."),
        "results": item(many=True),
    }
    return type(name, (serializers.Serializer,), {**fields, "__doc__": "One page of a list."})


def _code(order: Order) -> str:
    """Return the letters, one for each column, by which a cursor says of which list it is."""
    return "".join(column.lstrip("-")[0] for column in order)


def _after(model: type[Model], cursor: str, order: Order) -> Q:
    code = _code(order)
    key = as_id(cursor.removeprefix(code)) if cursor.startswith(code) else None
    if key is None:
        raise _no_cursor()
    *columns, last = order
    rest = _beyond(last, key)
    if not columns:
        return rest
    (column,) = columns
    name = column.lstrip("-")
    manager: Any = model._default_manager
    place = manager.filter(pk=key).values_list(name, flat=True).first()
    if place is None:
        raise _no_cursor()
    # the first condition is all that an index can begin at
    return Q(**{f"{name}__{'lte' if column.startswith('-') else 'gte'}": place}) & (
        _beyond(column, place) | rest
    )


def _beyond(column: str, value: Any) -> Q:
    name = column.lstrip("-")
    return Q(**{f"{name}__{'lt' if column.startswith('-') else 'gt'}": value})


def _no_cursor() -> ValidationError:
    return ValidationError({"cursor": ["This is no cursor of this list; begin without one."]})
