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
) -> Page:
    """Take the `size` rows that follow the row `after`, or that stand before the row `before`.

    order: ends in the id. Without such a row the list begins anew. After a row that is the last one, or has
    become it, come the last rows: a decision on the last item of a page leads to one that has something.
    keeps: of the rows only those count of which it is true. known: the list's first rows, where
    somebody has read them: a page among them is not looked for again.
    """
    if known is not None and (part := _among(known, size, after, before)) is not None:
        keys = known.keys[part.start : part.stop]
        return Page(_in_order(rows, keys), part.start > 0, has_next=part.stop < len(known.keys))
    if before is not None and (beyond := _beyond(before, reverse := _reversed(order))) is not None:
        keys = keys_of(rows.filter(beyond), reverse, size + 1, keeps)
        if len(keys) > size:
            return Page(_in_order(rows, keys[:size][::-1]), has_previous=True, has_next=True)
    beyond = _beyond(after, order) if after is not None else None
    keys = keys_of(rows if beyond is None else rows.filter(beyond), order, size + 1, keeps)
    if keys or beyond is None:
        has_next = len(keys) > size
        return Page(_in_order(rows, keys[:size]), has_previous=beyond is not None, has_next=has_next)
    keys = keys_of(rows, _reversed(order), size + 1, keeps)
    return Page(_in_order(rows, keys[:size][::-1]), has_previous=len(keys) > size, has_next=False)


def merged(
    page: Page, others: Iterable[Screening], order: Sequence[str], *, after: int | None, before: int | None
) -> list[Screening]:
    """Return a page's rows with those of other rows among them whose places lie on it.

    order: whose columns all rise or all fall. after, before: with which the page was taken. A reader who goes
    on from page to page in one direction meets each of the others once.
    """
    names = [column.lstrip("-") for column in order]
    falls = order[0].startswith("-")

    def place(row: Screening) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in names)

    def precedes(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        return one > other if falls else one < other

    def place_of(key: int | None) -> tuple[Any, ...] | None:
        return Screening.objects.filter(pk=key).values_list(*names).first() if key is not None else None

    start = end = None
    if page.has_previous:
        start, cursor = place(page.rows[0]), place_of(after)
        start = cursor if cursor is not None and precedes(cursor, start) else start
    if page.has_next:
        end, cursor = place(page.rows[-1]), place_of(before)
        end = cursor if cursor is not None and precedes(end, cursor) else end
    on_page = [
        row
        for row in others
        if (start is None or precedes(start, place(row))) and (end is None or precedes(place(row), end))
    ]
    return sorted([*page.rows, *on_page], key=place, reverse=falls)


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


def _in_order(rows: QuerySet[Screening], keys: list[int]) -> list[Screening]:
    """Fetch the rows with these ids, those of them that still belong to the list."""
    fetched = {row.pk: row for row in rows.filter(pk__in=keys).order_by()}
    return [fetched[key] for key in keys if key in fetched]


def _reversed(order: Sequence[str]) -> tuple[str, ...]:
    return tuple(column[1:] if column.startswith("-") else f"-{column}" for column in order)


def _beyond(key: int, order: Sequence[str]) -> Q | None:
    """Make the condition of the rows that follow the row with this id; None where there is no such row."""
    *columns, last = order
    rest = _following(last, key)
    if not columns:
        return rest
    (column,) = columns
    name = column.lstrip("-")
    place = Screening.objects.filter(pk=key).values_list(name, flat=True).first()
    if place is None:
        return None
    # the first condition is all that an index can begin at
    at_or_beyond = Q(**{f"{name}__{'lte' if column.startswith('-') else 'gte'}": place})
    return at_or_beyond & (_following(column, place) | rest)


def _following(column: str, value: Any) -> Q:
    return Q(**{f"{column.lstrip('-')}__{'lt' if column.startswith('-') else 'gt'}": value})
