"""Start-up checks of the option `text`: which columns can be screened, and together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from moderation.checks.suggestions import did_you_mean
from moderation.objects.live_text import MAX_NAME, LiveText

TEXT_FIELDS = ("CharField", "TextField")
"""What a field of a text calls itself (`get_internal_type`) where its class is none of Django's."""


def check_text(where: str, model: type[models.Model], given: object) -> Iterator[CheckMessage]:
    """Check that `given` names text columns of the model, or a callable; whether that exists is not asked."""
    try:
        text = LiveText.parse(given)
    except (TypeError, ValueError):
        message = (
            f'{where}: "text" must be the name of a text column, a list of different ones, or a callable.'
        )
        yield Error(message, id="moderation.E008")
        return
    yield from _check_columns(where, model, text.columns)
    if len(text.name) > MAX_NAME:
        message = f'{where}: the names in "text" are over {MAX_NAME} characters long together.'
        yield Error(message, hint="Let a callable put the text together.", id="moderation.E008")


def _check_columns(where: str, model: type[models.Model], names: Sequence[str]) -> Iterator[CheckMessage]:
    for name in names:
        try:
            column: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            column = None
        if not getattr(column, "concrete", False) or getattr(column, "many_to_many", False):
            hint = did_you_mean(name, [own.name for own in model._meta.concrete_fields])
            yield Error(f'{where}: "text" names no column: "{name}".{hint}', id="moderation.E008")
        elif getattr(column, "generated", False):
            yield Error(
                f'{where}: "{name}" is computed by the database, which tells no edit of it to a save.',
                hint='Name the columns that it is made of: "text": ["title", "body"].',
                id="moderation.E030",
            )
        elif not _holds_text(column):
            yield Error(
                f'{where}: "{name}" is a {type(column).__name__}, and no text column.',
                hint="A callable that takes the instance may return the text instead.",
                id="moderation.E030",
            )


def _holds_text(column: Any) -> bool:
    is_text = isinstance(column, models.CharField | models.TextField)
    return is_text or column.get_internal_type() in TEXT_FIELDS
