"""Start-up checks of the options that say who wrote an object, on which page, and in answer to what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from moderation.checks.suggestions import did_you_mean
from moderation.objects.references import Reference

REFERENCES = ("author_name", "page", "parent")


def check_references(
    where: str, model: type[models.Model], given: Mapping[str, Any]
) -> Iterator[CheckMessage]:
    """Check each of these options that `given` has; whether a dotted path leads anywhere is not asked."""
    for key in REFERENCES:
        try:
            reference = Reference.parse(given.get(key))
        except TypeError:
            message = f'{where}["{key}"] must be a field, a path such as "thread__article", or a callable.'
            yield Error(message, id="moderation.E041")
            continue
        if reference is not None and reference.path:
            yield from _check_path(f'{where}["{key}"]', model, reference.path)


def _check_path(
    where: str, model: type[models.Model] | None, path: tuple[str, ...]
) -> Iterator[CheckMessage]:
    """Check as many steps as lead along fields: what an attribute of Python leads to, nobody knows before."""
    for step in path:
        if model is None:
            return
        try:
            field: Any = model._meta.get_field(step)
        except FieldDoesNotExist:
            if not hasattr(model, step):
                names = [field.name for field in model._meta.get_fields()]
                hint = did_you_mean(step, names)
                message = f'{where}: {model._meta.label} has no "{step}".{hint}'
                yield Error(message, id="moderation.E041")
            return
        related = getattr(field, "related_model", None)
        model = related if isinstance(related, type) else None
