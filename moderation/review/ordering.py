"""Puts rows in memory into the order in which the database has a list, and takes those beyond a cursor.

For the few items that stand in a list of the queue and are none of its rows in the database: those that are
dealt to one person for a second opinion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Place = tuple[Any, ...]
"""A row's values in the columns of an order."""


def place_of(row: Any, order: Sequence[str]) -> Place:
    """Return where a row stands. order: columns as `order_by` takes them."""
    return tuple(getattr(row, column.lstrip("-")) for column in order)


def sorted_keys(places: Mapping[int, Place], order: Sequence[str]) -> list[int]:
    """Return the keys of rows in this order, by their places."""
    keys = list(places)
    for number, column in reversed(list(enumerate(order))):  # each sort keeps the order of the one before
        keys.sort(key=lambda key, number=number: places[key][number], reverse=column.startswith("-"))  # type: ignore[misc]
    return keys


def beyond(rows: Iterable[Any], cursor: Place, order: Sequence[str]) -> list[Any]:
    """Select the rows that follow the place `cursor` in this order."""
    return [row for row in rows if _follows(place_of(row, order), cursor, order)]


def reversed_order(order: Sequence[str]) -> tuple[str, ...]:
    """Return the same order from its end."""
    return tuple(column[1:] if column.startswith("-") else f"-{column}" for column in order)


def _follows(place: Place, cursor: Place, order: Sequence[str]) -> bool:
    for column, one, other in zip(order, place, cursor, strict=True):
        if one != other:
            return bool(one < other if column.startswith("-") else one > other)
    return False
