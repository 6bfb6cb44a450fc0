"""Carries what an author did with a nudge from a form or a serializer to the screening of the saved text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db.models import Model

from moderation.models import Screening

Nudged = Screening.Nudged
ATTRIBUTE = "_moderation_nudged"

_of_this_save: ContextVar[str] = ContextVar("moderation_nudged", default="")


def mark(instance: Model, answer: str) -> None:
    """Note on an unsaved instance what its author did; the next screening that is made of it says so."""
    setattr(instance, ATTRIBUTE, answer)


@contextmanager
def saving(answer: str) -> Iterator[None]:
    """Note what the author did on every screening that is made in the block, for code that saves at once."""
    token = _of_this_save.set(answer)
    try:
        yield
    finally:
        _of_this_save.reset(token)


def answer_of(instance: Model) -> str:
    """Read what the author of the text that `instance` has now did; empty where nobody was nudged."""
    return str(getattr(instance, ATTRIBUTE, "") or _of_this_save.get())


def forget(instance: Model) -> None:
    """Take the mark off an instance: its next text is another one."""
    instance.__dict__.pop(ATTRIBUTE, None)
