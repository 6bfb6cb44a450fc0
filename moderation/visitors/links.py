"""Signs which object a page is about, so that an address speaks for that object and no other."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.urls import reverse

from moderation import registry
from moderation.models import Screening
from moderation.registry import Registered
from moderation.screening.on_request import NotModerated
from moderation.screening.snapshots import current_of

REPORT_SALT = "moderation.report"
AUTHOR_SALT = "moderation.author"
AUTHOR_DAYS = 90
"""How long an address counts for the author's."""
NAMESPACE = "moderation_visitors"

Found = tuple[Registered, Model]


def report_url(instance: Model) -> str:
    """Return the address of the page on which a reader reports an object's text. Raises NotModerated."""
    return reverse(f"{NAMESPACE}:report", args=(_token(instance, REPORT_SALT),))


def second_look_url(instance: Model) -> str:
    """Return the address of the page for the author of an object's text. Raises NotModerated.

    The page takes everybody who has it within AUTHOR_DAYS for the author: give it to nobody else.
    """
    return reverse(f"{NAMESPACE}:second-look", args=(author_token(instance),))


def author_token(instance: Model) -> str:
    """Return what stands for the author of an object's text in an address. Raises NotModerated."""
    return _token(instance, AUTHOR_SALT)


def reported(token: str) -> Found | None:
    """Return the object that a reader's address names; None where it is forged, or the object is gone."""
    return _found(token, REPORT_SALT, None)


def of_author(token: str) -> Found | None:
    """Return the object that an author's address names; None where it is forged, too old, or gone."""
    return _found(token, AUTHOR_SALT, AUTHOR_DAYS * 24 * 60 * 60)


def find(label: object, key: object) -> Found | None:
    """Return the object of that `app.Model` and key; None where there is none, or it is not moderated."""
    entry = registry.get(label) if isinstance(label, str) else None
    if entry is None:
        return None
    try:
        instance = entry.objects().filter(pk=entry.model._meta.pk.to_python(key)).first()
    except (ValidationError, ValueError, TypeError, OverflowError):
        return None
    return None if instance is None else (entry, instance)


def is_public(entry: Registered, instance: Model) -> bool:
    """True where the site shows the object: who can't see a text has nothing to report."""
    how = entry.hide
    if how is not None and how.by_field:
        return bool(getattr(instance, how.attname) == how.visible)
    screening: Screening | None = current_of(entry, instance)
    return screening is None or not screening.hidden_by_us


def is_author(user: Any, entry: Registered, instance: Model) -> bool:
    """True where the user is logged in, and the field `author` of the registration names this user."""
    if not (entry.author and user.is_authenticated):
        return False
    attribute = getattr(instance._meta.get_field(entry.author), "attname", entry.author)
    return str(getattr(instance, attribute)) == str(user.pk)


def _token(instance: Model, salt: str) -> str:
    entry = registry.for_model(type(instance))
    if entry is None:
        raise NotModerated(f"{type(instance)._meta.label} is not registered for moderation.")
    return signing.dumps([entry.label, entry.key_of(instance)], salt=salt)


def _found(token: str, salt: str, seconds: int | None) -> Found | None:
    try:
        label, key = signing.loads(token, salt=salt, max_age=seconds)
    except (signing.BadSignature, TypeError, ValueError):
        return None
    return find(label, key)
