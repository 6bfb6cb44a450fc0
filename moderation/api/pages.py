"""Pages of a list, each from where the one before ended: no page counts or steps over rows.

A cursor names the last row of a page by its id, and nothing else of it. The queue is ordered by severity,
which of a blind item nobody may know, so the row's place is read anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from moderation.api.fields import Number, Text, as_id
from moderation.review.ordering import Place, place_of, sorted_keys
from moderation.review.ordering import beyond as rows_beyond

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
    request: Request,
    rows: QuerySet[Any],
    asked: Mapping[str, Any],
    order: Order = NEWEST,
    others: Sequence[Any] = (),
    cursors: Sequence[Any] = (),
) -> tuple[list[Any], str | None]:
    """Return the rows of one page, in `order`, and the address of the next one; None after the last.

    order: ends in the id, which makes each place one row's. others: rows in memory that stand in the list,
    too, at their own places. cursors: rows in memory, whose places there are to count for a cursor that names
    one of them. Raises ValidationError for a cursor of no such list.
    """
    if "cursor" in asked:
        start = _place_of_cursor(rows.model, asked["cursor"], order, [*others, *cursors])
        rows, others = rows.filter(_after(start, order)), rows_beyond(others, start, order)
    listed = list(rows.order_by(*order)[: asked["limit"] + 1])
    if others:
        either = {row.pk: row for row in (*listed, *others)}
        keys = sorted_keys({key: place_of(row, order) for key, row in either.items()}, order)
        listed = [either[key] for key in keys[: asked["limit"] + 1]]
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


def _place_of_cursor(model: type[Model], cursor: str, order: Order, in_memory: Sequence[Any]) -> Place:
    code = _code(order)
    key = as_id(cursor.removeprefix(code)) if cursor.startswith(code) else None
    if key is None:
        raise _no_cursor()
    if len(order) == 1:
        return (key,)
    manager: Any = model._default_manager
    names = [column.lstrip("-") for column in order]
    places = (place_of(row, order) for row in in_memory if row.pk == key)
    place: Place | None = next(places, None) or manager.filter(pk=key).values_list(*names).first()
    if place is None or None in place:
        raise _no_cursor()
    return place


def _after(start: Place, order: Order) -> Q:
    *columns, last = order
    rest = _beyond(last, start[-1])
    if not columns:
        return rest
    (column,) = columns
    name = column.lstrip("-")
    # the first condition is all that an index can begin at
    return Q(**{f"{name}__{'lte' if column.startswith('-') else 'gte'}": start[0]}) & (
        _beyond(column, start[0]) | rest
    )


def _beyond(column: str, value: Any) -> Q:
    name = column.lstrip("-")
    return Q(**{f"{name}__{'lt' if column.startswith('-') else 'gt'}": value})


def _no_cursor() -> ValidationError:
    return ValidationError({"cursor": ["This is no cursor of this list; begin without one."]})
