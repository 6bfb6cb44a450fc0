"""Notes whether an instance was read from the database as hidden: who saves it visible could know that.

It is noted whenever the column is read: when the instance is loaded (`post_init`), when it is refreshed and
when a deferred column is asked for; these two go through `refresh_from_db`. A column that was deferred at
loading is saved only if somebody set it, so its value is no stale one: it counts as read hidden, too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db.models import Model

from moderation import registry
from moderation.registry import Hide, Registered

_MISSING = object()


def on_load(sender: type[Model], instance: Model, **_: Any) -> None:
    """Note whether the instance was loaded as hidden. Runs for every instance: it must be cheap."""
    how = _how(sender)
    if how is not None:
        _note(instance, how)


def watch(model: type[Model]) -> None:
    """Have `refresh_from_db` of `model` and its children note what it reads, too."""
    read: Callable[..., None] = model.refresh_from_db
    if getattr(read, "is_watched", False):
        return

    @wraps(read)
    def refresh_from_db(self: Model, *args: Any, **options: Any) -> None:
        read(self, *args, **options)  # a site's own may take what it likes
        how = _how(type(self))
        fields = options.get("fields", args[1] if len(args) > 1 else None)
        if how is not None and (fields is None or how.field in fields or how.attname in fields):
            _note(self, how)

    refresh_from_db.is_watched = True  # type: ignore[attr-defined]
    model.refresh_from_db = refresh_from_db  # type: ignore[method-assign]


def was_read_hidden(instance: Model) -> bool:
    """True where the value last read from the database was not known to be visible."""
    return bool(getattr(instance._state, "was_read_hidden", False))


def on_save(entry: Registered, instance: Model, *, is_new: bool) -> None:
    """Forget what was read, after a save that wrote the column: it knows of no later hiding."""
    how = entry.hide
    if how is not None and (is_new or instance.__dict__.get(how.attname, _MISSING) != how.hidden):
        forget(instance)


def forget(instance: Model) -> None:
    """Count the instance as one that was not read as hidden."""
    instance._state.was_read_hidden = False  # type: ignore[attr-defined]


def _note(instance: Model, how: Hide) -> None:
    value = instance.__dict__.get(how.attname, _MISSING)
    if value is _MISSING or value == how.hidden:
        instance._state.was_read_hidden = True  # type: ignore[attr-defined]
    elif was_read_hidden(instance):
        forget(instance)


def _how(model: type[Model]) -> Hide | None:
    entry = registry.for_model(model)
    return entry.hide if entry is not None and entry.hide is not None and entry.hide.by_field else None
