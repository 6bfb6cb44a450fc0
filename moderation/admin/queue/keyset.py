"""Takes one page out of an ordered list, from the row where the page before ended: no row is stepped over.

An address names that row by its id and nothing else of it, as its severity may tell what a blind item hides;
the row's place is read anew, also after it has left the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from moderation.models import Screening
from moderation.review.ordering import Place, place_of, reversed_order, sorted_keys
from moderation.review.ordering import beyond as rows_beyond

AFTER, BEFORE = "after", "before"
"""The parameters of an address that carry the id of a row."""
LOOKED_AT = ("queued_for", "verdict", "outcome", "released")
"""The columns that a `Keeps` may read."""
MOST_LOOKED_AT = 10_000
"""Rows that are read for those that a `Keeps` keeps; what follows is as if it were not there."""
_DIGITS = 18

Keeps = Callable[[Screening], bool]
"""True of a row that belongs to the list, where no database can tell."""


@dataclass(frozen=True)
class Page:
    """Some rows of a list in its order, and whether it goes on."""

    rows: list[Screening]
    has_previous: bool
    has_next: bool


@dataclass(frozen=True)
class Known:
    """The first rows of a list, by their ids, in its order."""

    keys: list[int]
    is_all: bool
    """True where the list has no others."""


def key_of(written: str) -> int | None:
    """Return the id that an address names, or None where it names none."""
    is_key = written.isascii() and written.isdecimal() and len(written) <= _DIGITS
    return int(written) if is_key else None


def page_of(
    rows: QuerySet[Screening],
    order: Sequence[str],
    size: int,
    *,
    after: int | None = None,
    before: int | None = None,
    keeps: Keeps | None = None,
    known: Known | None = None,
    others: Sequence[Screening] = (),
    cursors: Sequence[Screening] = (),
) -> Page:
    """Take the `size` rows that follow the row `after`, or that stand before the row `before`.

    order: ends in the id. Without such a row the list begins anew. After a row that is the last one, or has
    become it, come the last rows: a decision on the last item of a page leads to one that has something.
    keeps: of the rows only those count of which it is true. known: the list's first rows, where
    somebody has read them: a page among them is not looked for again. others: rows in memory that stand in
    the list, too, at their own places. cursors: rows in memory, whose places there are to count where
    they are `after` or `before`.
    """
    source = _Source(rows, keeps, others, {row.pk: row for row in (*others, *cursors)}, size + 1)
    if known is not None and not others and (part := _among(known, size, after, before)) is not None:
        keys = known.keys[part.start : part.stop]
        return Page(_in_order(rows, keys), part.start > 0, has_next=part.stop < len(known.keys))
    reverse = reversed_order(order)
    if before is not None and (start := source.place_of(before, order)) is not None:
        keys = source.keys(reverse, start)
        if len(keys) > size:
            return Page(source.fetched(keys[:size][::-1]), has_previous=True, has_next=True)
    start = source.place_of(after, order) if after is not None else None
    keys = source.keys(order, start)
    if keys or start is None:
        return Page(source.fetched(keys[:size]), has_previous=start is not None, has_next=len(keys) > size)
    keys = source.keys(reverse)
    return Page(source.fetched(keys[:size][::-1]), has_previous=len(keys) > size, has_next=False)


@dataclass(frozen=True)
class _Source:
    """A list's rows in the database, with the few in memory that stand among them."""

    rows: QuerySet[Screening]
    keeps: Keeps | None
    others: Sequence[Screening]
    in_memory: dict[int, Screening]
    most: int
    """Keys that are read at a time."""

    def place_of(self, key: int, order: Sequence[str]) -> Place | None:
        """Return where a cursor stands; None where there is no such row, or it has no place in this order."""
        if len(order) == 1:
            return (key,)
        place: Place | None
        if key in self.in_memory:
            place = place_of(self.in_memory[key], order)
        else:
            names = [column.lstrip("-") for column in order]
            place = Screening.objects.filter(pk=key).values_list(*names).first()
        return None if place is None or None in place else place

    def keys(self, order: Sequence[str], start: Place | None = None) -> list[int]:
        """Read the ids of the first items that follow `start`, `most` at most."""
        rows = self.rows if start is None else self.rows.filter(_beyond(start, order))
        keys = keys_of(rows, order, self.most, self.keeps)
        others = self.others if start is None else rows_beyond(self.others, start, order)
        if not others:
            return keys
        return in_order([*keys, *(row.pk for row in others)], order, others)[: self.most]

    def fetched(self, keys: list[int]) -> list[Screening]:
        """Read the items with these ids, those of them that still belong to the list."""
        return _in_order(self.rows, keys, self.others)


def in_order(keys: Iterable[int], order: Sequence[str], others: Sequence[Screening]) -> list[int]:
    """Sort the ids of a list's rows and of the others that stand among them, as the list shows them."""
    others_places = {row.pk: place_of(row, order) for row in others}
    names = [column.lstrip("-") for column in order]
    of_rows = Screening.objects.filter(pk__in=[key for key in keys if key not in others_places])
    places = {key: place for key, *place in of_rows.order_by().values_list("pk", *names)}
    wanted = set(keys)
    places |= {key: place for key, place in others_places.items() if key in wanted}
    return sorted_keys(places, order)


def keys_of(
    rows: QuerySet[Screening], order: Sequence[str], most: int, keeps: Keeps | None = None
) -> list[int]:
    """Read the ids of the first rows, `most` at most: ids are sorted without carrying texts along."""
    plain = rows.select_related(None).prefetch_related(None).order_by(*order)
    if keeps is None:
        return list(plain.values_list("pk", flat=True)[:most])
    # read as values, without what the list annotates each row with
    names = [field.attname for field in Screening._meta.concrete_fields if field.name in ("id", *LOOKED_AT)]
    keys: list[int] = []
    start, step = 0, 2 * most
    while len(keys) < most and start < MOST_LOOKED_AT:
        chunk = list(plain.values_list(*names)[start : start + step])
        looked_at = (Screening.from_db(rows.db, names, values) for values in chunk)
        keys += [row.pk for row in looked_at if keeps(row)]
        if len(chunk) < step:
            break
        start, step = start + step, 2 * step
    return keys[:most]


def _among(known: Known, size: int, after: int | None, before: int | None) -> slice | None:
    """Return where the page stands among the known rows; None where they do not tell."""
    cursors = [key for key in (after, before) if key is not None]
    if len(cursors) > 1 or not set(cursors) <= set(known.keys):
        return None
    start = 0
    if after is not None:
        start = known.keys.index(after) + 1
    elif before is not None:
        start = max(0, known.keys.index(before) - size)
    count = len(known.keys)
    if not known.is_all and start + size >= count:
        return None
    if start == count:  # after the last one: the last rows
        start = max(0, count - size)
    return slice(start, start + size)


def _in_order(
    rows: QuerySet[Screening], keys: list[int], others: Sequence[Screening] = ()
) -> list[Screening]:
    """Fetch the rows with these ids, those of them that still belong to the list."""
    fetched = {row.pk: row for row in (*rows.filter(pk__in=keys).order_by(), *others)}
    return [fetched[key] for key in keys if key in fetched]


def _beyond(start: Place, order: Sequence[str]) -> Q:
    """Make the condition of the rows that follow this place."""
    *columns, last = order
    rest = _following(last, start[-1])
    if not columns:
        return rest
    (column,) = columns
    name = column.lstrip("-")
    # the first condition is all that an index can begin at
    at_or_beyond = Q(**{f"{name}__{'lte' if column.startswith('-') else 'gte'}": start[0]})
    return at_or_beyond & (_following(column, start[0]) | rest)


def _following(column: str, value: Any) -> Q:
    return Q(**{f"{column.lstrip('-')}__{'lt' if column.startswith('-') else 'gt'}": value})
