"""Makes the copy of a live text, finds the current one, and blanks the copies of what is no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import router, transaction
from django.db.models import Model, Q
from django.db.models.functions import Coalesce

from moderation.clock import Now
from moderation.conf import conf
from moderation.db.locking import free_of
from moderation.models import Screening
from moderation.models.content_types import content_type_of
from moderation.models.screenings import ScreeningQuerySet
from moderation.registry import Registered
from moderation.review import settling
from moderation.screening import authorship, nudged
from moderation.texts import as_screened, text_key


def new_screening(
    entry: Registered,
    instance: Model,
    priority: Screening.Priority = Screening.Priority.NORMAL,
    *,
    update_fields: Collection[str] | None = None,
) -> Screening:
    """Build, without saving it, a pending screening of the text that `instance` has now.

    update_fields: of the save that it is made for; None: all that the instance has is saved. May raise
    DatabaseError, and what a callable of the site raises.
    """
    text = entry.text_of(instance, update_fields)
    author_name, page_key = authorship.at_hand(entry, instance)
    return Screening(
        source=Screening.Source.OBJECT,
        content_type=content_type_of(entry.model),
        object_id=entry.key_of(instance),
        field=entry.text.name,
        text=text,
        text_key=text_key(text, conf.TEXT_KEY_SECRET),
        author_key=_author_key(entry, instance),
        author_name=author_name,
        page_key=page_key,
        priority=priority,
        nudged=nudged.answer_of(instance),
    )


def current_of(entry: Registered, instance: Model) -> Screening | None:
    """The current screening of an object, or None."""
    return current_screenings(entry).filter(object_id=entry.key_of(instance)).first()


def current_screenings(entry: Registered) -> ScreeningQuerySet:
    """The current screenings of one registered field."""
    return Screening.objects.filter(
        source=Screening.Source.OBJECT,
        content_type=content_type_of(entry.model),
        field=entry.text.name,
        is_current=True,
    )


def screenings_of_any_text(entry: Registered) -> ScreeningQuerySet:
    """The current screenings of a registered model, also of a text that was registered under another name."""
    return Screening.objects.filter(
        source=Screening.Source.OBJECT, content_type=content_type_of(entry.model), is_current=True
    )


def adopted(entry: Registered, screenings: Sequence[Screening]) -> list[Screening]:
    """Take the screenings over as those of the text registered today, after its field was renamed.

    Where an object has a current screening of today's text already, the one of old is not current any more,
    and is left out; so is one that somebody is changing, until the next comparison. Raises DatabaseError.
    """
    name = entry.text.name
    of_old = [row for row in screenings if row.field != name]
    if not of_old:
        return list(screenings)
    free = set(free_of(Screening.objects.filter(pk__in=[row.pk for row in of_old])))
    busy = {row.pk for row in of_old} - free
    of_old = [row for row in of_old if row.pk in free]
    keys = [row.object_id for row in of_old]
    have = set(current_screenings(entry).filter(object_id__in=keys).values_list("object_id", flat=True))
    retired = [row.pk for row in of_old if row.object_id in have]
    taken_over = [row for row in of_old if row.object_id not in have]
    with transaction.atomic(using=router.db_for_write(Screening)):
        old = Screening.objects.filter(pk__in=retired)
        pending = old.filter(status=Screening.Status.PENDING)
        pending.update(status=Screening.Status.SUPERSEDED, lease_token=None, lease_until=None, retry_at=None)
        old.update(is_current=False, action_pending=False)
        Screening.objects.filter(pk__in=[row.pk for row in taken_over]).update(field=name)
    for row in taken_over:
        row.field = name
    gone = busy.union(retired)
    return [row for row in screenings if row.pk not in gone]


def forget(entry: Registered, keys: Collection[str]) -> int:
    """Blank every copy of the texts of objects that are no more, and end their screenings; how many rows."""
    with transaction.atomic(using=router.db_for_write(Screening)):
        rows = Screening.objects.filter(content_type=content_type_of(entry.model), object_id__in=keys)
        settling.blank_words(rows.values_list("pk", flat=True))
        pending = rows.filter(status=Screening.Status.PENDING)
        pending.update(status=Screening.Status.SUPERSEDED, lease_token=None, lease_until=None, retry_at=None)
        return rows.filter(Q(blanked=None) | Q(is_current=True)).update(
            text="",
            text_key="",
            text_digest=None,
            author_name="",
            blanked=Coalesce("blanked", Now()),
            is_current=False,
            action_pending=False,
        )


def _author_key(entry: Registered, instance: Model) -> str:
    if not entry.author:
        return ""
    attribute = getattr(instance._meta.get_field(entry.author), "attname", entry.author)
    value = getattr(instance, attribute)
    return "" if value is None else as_screened(value)[:255]
