"""What else a site says of a registered object: its author's name, the page it stands on, what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Model
from django.utils.module_loading import import_string

from moderation.objects.keys import key_as_text
from moderation.texts import as_screened

Maker = Callable[[Any], object]

BETWEEN_STEPS = "__"
MAX_LENGTH = 255
"""Length of the columns that hold a name or a page's key."""


class NotAtHand:
    """Stands for what the instance at hand can't say without a query or code of the site."""


NOT_AT_HAND: Final = NotAtHand()


@dataclass(frozen=True)
class Reference:
    """Where one such thing comes from: fields and attributes, step by step, or a callable of the site."""

    path: tuple[str, ...] = ()
    """Attributes, each of what the one before leads to."""
    made_by: str | Maker = ""
    """In place of a path: a callable, or its dotted path, that takes the instance."""

    @classmethod
    def parse(cls, given: object) -> Reference | None:
        """An option as a Reference; None where it is None or empty. Raises TypeError where it is none."""
        if given is None or given == "":
            return None
        if callable(given):
            return cls(made_by=given)
        if not isinstance(given, str):
            raise TypeError("reference")
        if "." in given:
            return cls(made_by=given)
        path = tuple(given.split(BETWEEN_STEPS))
        if not all(step.isidentifier() for step in path):
            raise TypeError("reference")
        return cls(path=path)

    def of(self, instance: Model) -> Any:
        """Follow it from `instance`, by queries where they are needed; None where a step leads to nothing.

        Raises DatabaseError, and what the site's own code raises.
        """
        if not self.path:
            return (import_string(self.made_by) if isinstance(self.made_by, str) else self.made_by)(instance)
        value: Any = instance
        for step in self.path:
            if value is None:
                return None
            value = getattr(value, step)
        return value() if callable(value) else value

    def at_hand(self, instance: Model) -> Any:
        """The same from columns and what was fetched already, without a query; else NOT_AT_HAND."""
        value: Any = instance if self.path else NOT_AT_HAND
        for step in self.path:
            if value is None or value is NOT_AT_HAND:
                break
            value = _step_at_hand(value, step)
        return value

    def key_at_hand(self, instance: Model) -> str | NotAtHand:
        """`key_of` the object that it leads to, without a query or the object itself; else NOT_AT_HAND."""
        *before, last = self.path or ("",)
        if not last:
            return NOT_AT_HAND
        holder = Reference(path=tuple(before)).at_hand(instance) if before else instance
        if holder is None:
            return ""
        return NOT_AT_HAND if holder is NOT_AT_HAND else _related_key(holder, last)

    def foreign_keys(self, model: type[Model]) -> tuple[str, ...]:
        """The first steps that lead along foreign keys of `model`, as `select_related` takes them."""
        steps: list[str] = []
        related: Any = model
        for step in self.path:
            field = _field(related, step)
            if not isinstance(field, ForeignKey):
                break
            steps.append(step)
            related = field.remote_field.model
        return tuple(steps)

    def relations(self, model: type[Model]) -> tuple[str, ...]:
        """The first steps that `prefetch_related` takes: along foreign keys, and a generic one at the end."""
        steps = self.foreign_keys(model)
        related: Any = model
        for step in steps:
            related = _field(related, step).remote_field.model
        following = self.path[len(steps) : len(steps) + 1]
        return (*steps, *following) if following and _is_generic(_field(related, following[0])) else steps

    def is_column(self, model: type[Model]) -> bool:
        """True where the instance's own columns say it, a key of another object included."""
        field = _field(model, self.path[0]) if len(self.path) == 1 else None
        return _is_generic(field) or bool(getattr(field, "concrete", False))

    def runs_code(self, model: type[Model]) -> bool:
        """True where more than columns and foreign keys is asked, which may raise anything and query."""
        steps = self.foreign_keys(model)
        if not self.path or len(steps) < len(self.path) - 1:
            return True
        related: Any = model
        for step in steps[: len(self.path) - 1]:
            related = _field(related, step).remote_field.model
        return _field(related, self.path[-1]) is None


def key_of(page: object) -> str:
    """Write an object as `app_label.modelname:key`; empty for no saved object, or too long a key."""
    if not isinstance(page, Model) or page.pk is None:
        return ""
    model = page._meta.concrete_model or type(page)
    return _written(model._meta.label_lower, key_as_text(model, page.pk))


def name_of(author: object) -> str:
    """Name an author: an account's full name or user name; anything else as the site writes it."""
    if isinstance(author, Model) and hasattr(author, "get_username"):
        full_name = author.get_full_name() if hasattr(author, "get_full_name") else ""
        author = full_name or author.get_username()
    return " ".join(as_screened(author).split())[:MAX_LENGTH]


def default_name(model: type[Model], author: str) -> Reference | None:
    """The name where a site names none: django-contrib-comments' column, or that of the author's account."""
    if _field(model, "user_name") is not None and _field(model, "content_object") is not None:
        return Reference(path=("user_name",))
    return Reference(path=(author,)) if author else None


def default_page(model: type[Model]) -> Reference | None:
    """The page where a site names none: what a generic foreign key `content_object` leads to."""
    return Reference(path=("content_object",)) if _is_generic(_field(model, "content_object")) else None


@cache
def _field(model: type[Model], name: str) -> Any:
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def _field_of(instance: object, name: str) -> Any:
    return _field(type(instance), name) if isinstance(instance, Model) else None


def _step_at_hand(instance: Any, name: str) -> Any:
    field = _field_of(instance, name)
    if field is None:
        return NOT_AT_HAND  # a property or a method may do anything
    if field.is_relation:
        if field.is_cached(instance):
            return getattr(instance, name)
        return None if _related_key(instance, name) == "" else NOT_AT_HAND
    if not field.concrete or field.attname in instance.get_deferred_fields():
        return NOT_AT_HAND
    value = getattr(instance, field.attname)
    return NOT_AT_HAND if hasattr(value, "resolve_expression") else value


def _related_key(instance: Any, name: str) -> str | NotAtHand:
    """The key of the object that a foreign key, generic or not, leads to; empty where to none."""
    field = _field_of(instance, name)
    if _is_generic(field):
        return _generic_key(instance, field)
    if not isinstance(field, ForeignKey) or field.attname in instance.get_deferred_fields():
        return NOT_AT_HAND
    value = getattr(instance, field.attname)
    if value is None:
        return ""
    if not getattr(field.target_field, "primary_key", False):
        return NOT_AT_HAND
    related: Any = field.remote_field.model
    model = related._meta.concrete_model
    return _written(model._meta.label_lower, key_as_text(model, value))


def _is_generic(field: Any) -> bool:
    """True of a generic foreign key, told by its columns: its class is not importable before apps are."""
    return hasattr(field, "ct_field") and hasattr(field, "fk_field")


def _generic_key(instance: Any, field: Any) -> str | NotAtHand:
    from django.contrib.contenttypes.models import ContentType

    columns = [_field_of(instance, name) for name in (field.ct_field, field.fk_field)]
    if any(column is None or column.attname in instance.get_deferred_fields() for column in columns):
        return NOT_AT_HAND
    type_key, key = (getattr(instance, column.attname) for column in columns)
    if type_key is None or key in (None, ""):
        return ""
    content_type = ContentType.objects.db_manager(instance._state.db).get_for_id(type_key)
    model = content_type.model_class()
    label = f"{content_type.app_label}.{content_type.model}"
    return _written(label, str(key) if model is None else key_as_text(model, key))


def _written(label: str, key: str) -> str:
    written = as_screened(f"{label}:{key}")
    return written if len(written) <= MAX_LENGTH else ""
