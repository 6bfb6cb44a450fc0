"""The text of a registered object: one column, several, or what a callable of the site makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.module_loading import import_string

from moderation.objects.live_rows import live_rows
from moderation.texts import as_screened

TextMaker = Callable[[Any], object]

BETWEEN_PARTS = "\n\n\n"
"""Two blank lines between the texts of several columns. A part keeps at most one at a time, and no white
space at its ends, so that the parts can be told apart."""
MAX_NAME = 100
"""Length of the columns that hold a text's name."""
_MANY_BLANK_LINES = re.compile(r"\r?\n(?:[ \t\r]*\n){2,}")


@dataclass(frozen=True)
class LiveText:
    """Where the text of a registered model's objects comes from."""

    columns: tuple[str, ...] = ()
    """The fields that are screened together, in the order in which a person reads them."""
    made_by: str | TextMaker = ""
    """In place of columns: a callable, or its dotted path, that takes the instance and returns the text.
    It gets an instance of the registered model itself, also where a child or a proxy was saved."""

    @classmethod
    def parse(cls, given: object) -> LiveText:
        """The option `text` as a LiveText. Raises TypeError or ValueError where it is none."""
        if callable(given):
            return cls(made_by=given)
        if isinstance(given, str) and "." in given:
            return cls(made_by=given)
        names = (
            (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list | tuple) else ()
        )
        if not names or not all(isinstance(name, str) and name for name in names):
            raise TypeError("text")
        if len(set(names)) < len(names):
            raise ValueError("text")
        return cls(columns=names)

    @property
    def name(self) -> str:
        """What `Screening.field` says: the column, several joined by "+", or the callable's own name.

        It must not change while screenings of it exist: under another name they are another text's.
        """
        if self.columns:
            return "+".join(self.columns)
        if isinstance(self.made_by, str):
            return self.made_by.rpartition(".")[2]
        name = getattr(self.made_by, "__name__", "")
        return name if name.isidentifier() else "callable"

    def may_have_changed(self, instance: Model, update_fields: Collection[str] | None) -> bool:
        """True where saving `instance` wrote any part of the text; always of a callable's text."""
        return not self.columns or bool(self._written(instance, update_fields))

    def of(
        self, model: type[Model], instance: Model, key: str, update_fields: Collection[str] | None = None
    ) -> str:
        """The text of a saved object, as a screening holds it.

        model: the registered one; `instance` may be a child's or a proxy's. key: of the registered row.
        update_fields: of the save, None where all was saved. What the instance at hand can't say, because it
        was not loaded, not saved, or saved as an expression, is read from the database. Raises
        `model.DoesNotExist` where the row is gone, DatabaseError, and what a callable raises.
        """

        def rows() -> QuerySet[Any]:  # only where they are needed: a query set costs as much as all the rest
            return live_rows(model, instance._state.db).filter(pk=key)

        if not self.columns:
            is_whole = type(instance) is model and update_fields is None and _is_loaded(instance)
            return self._make(instance if is_whole else rows().get())
        written = self._written(instance, update_fields)
        parts = {name: getattr(instance, name) for name in self.columns if name in written}
        missing = [name for name in self.columns if name not in parts or _is_expression(parts[name])]
        if missing:
            parts.update(zip(missing, rows().values_list(*missing).get(), strict=True))
        return self._joined([parts[name] for name in self.columns])

    def of_rows(self, rows: QuerySet[Any], *others: str) -> Iterator[tuple[Any, ...]]:
        """(key, text as a screening holds it, values of the columns `others`...) of each row, in one query.

        rows: of the registered model. A callable's own queries come on top, and what it raises is raised.
        """
        if self.columns:
            for key, *values in rows.values_list("pk", *self.columns, *others):
                parts, rest = values[: len(self.columns)], values[len(self.columns) :]
                yield (key, self._joined(parts), *rest)
        else:
            for instance in rows:
                attributes = [instance._meta.get_field(name).attname for name in others]
                yield (
                    instance.pk,
                    self._make(instance),
                    *(getattr(instance, attribute) for attribute in attributes),
                )

    def _written(self, instance: Model, update_fields: Collection[str] | None) -> set[str]:
        deferred = instance.get_deferred_fields()
        return {
            name
            for name in self.columns
            if name not in deferred and (update_fields is None or name in update_fields)
        }

    def _make(self, instance: Model) -> str:
        maker = import_string(self.made_by) if isinstance(self.made_by, str) else self.made_by
        return as_screened(maker(instance))

    def _joined(self, values: Sequence[object]) -> str:
        if len(values) == 1:
            return as_screened(values[0])
        parts = [_MANY_BLANK_LINES.sub("\n\n", as_screened(value)).strip() for value in values]
        return BETWEEN_PARTS.join(parts) if any(parts) else ""


def _is_loaded(instance: Model) -> bool:
    """True where the instance at hand has every value of its row, as the row has it after a save."""
    fields = instance._meta.concrete_fields
    if instance.get_deferred_fields() or any(getattr(field, "generated", False) for field in fields):
        return False
    return not any(_is_expression(getattr(instance, field.attname)) for field in fields)


def _is_expression(value: object) -> bool:
    """True where it was saved as an expression: only the database knows what came of it."""
    return hasattr(value, "resolve_expression")
