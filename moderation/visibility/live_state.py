"""Tells whether the site shows an object now, by its own columns; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from moderation.models import Screening
from moderation.registry import Hide, Registered
from moderation.visibility import hiding, means


class LiveState(Enum):
    """What the site does with an object."""

    VISIBLE = "visible"
    HIDDEN = "hidden"
    """Also a draft, and whatever else is not the value by which it is shown."""
    GONE = "gone"
    UNKNOWN = "unknown"
    """It is there, but only the site knows: it is hidden by callables, or not by us at all."""


def live_state(screening: Screening) -> LiveState:
    """Tell the state of one screening's object; see `live_states`."""
    return live_states([screening])[screening.pk]


def live_states(screenings: Iterable[Screening]) -> dict[int, LiveState]:
    """Return {screening id: state of its object}, by one query for each model and way to hide.

    What belongs to no object, or to a model that is not registered, is UNKNOWN. Raises DatabaseError.
    """
    states: dict[int, LiveState] = {}
    alike: dict[tuple[str, str], tuple[Registered, Hide | None, list[Screening]]] = {}
    for row in screenings:
        states[row.pk] = LiveState.UNKNOWN
        entry = means.registration(row)
        if entry is None:
            continue
        if hiding.is_lost(row):
            states[row.pk] = LiveState.GONE
            continue
        used = means.in_force(row, entry)
        how = used.hide if used is not None else None
        written = means.written(how) if how is not None else ""
        alike.setdefault((entry.label, written), (entry, how, []))[2].append(row)
    for entry, how, rows in alike.values():
        shown_by = _shown_by(how)
        objects = entry.objects().filter(pk__in=[row.object_id for row in rows])
        columns = [name for name, _, _ in shown_by]
        live = {str(key): values for key, *values in objects.values_list("pk", *columns)}
        for row in rows:
            states[row.pk] = _state(live.get(row.object_id), shown_by)
    return states


def _shown_by(how: Hide | None) -> list[tuple[str, object, bool]]:
    """(column, value, whether the object is shown with that value); empty where no column tells."""
    if how is None or not how.by_field:
        return []
    return [(how.field, how.visible, True), *((name, value, False) for name, value in how.also_hidden)]


def _state(values: list[object] | None, shown_by: list[tuple[str, object, bool]]) -> LiveState:
    if values is None:
        return LiveState.GONE
    if not shown_by:
        return LiveState.UNKNOWN
    is_shown = all(
        (value == wanted) is shows for value, (_, wanted, shows) in zip(values, shown_by, strict=True)
    )
    return LiveState.VISIBLE if is_shown else LiveState.HIDDEN
