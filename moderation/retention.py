"""Blanking copied texts once their time is over, each with its author's name. Scores, verdicts, reviews stay.

The words that people wrote about a text go with it, those in reviews included. Notes on authors belong to no
text and end so long after they were written.

A text that somebody still needs is left alone, however old: one that waits for the model, or for a person.
What is current keeps a keyed hash of its text to the letter, so that an edit is still noticed and a comment
that nobody changed is not screened again each night. The object itself has that text in clear, and with the
object the hash goes, too (`screening.copies.forget`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import router, transaction
from django.db.models import CharField, QuerySet
from django.utils import timezone

from moderation import registry
from moderation.clock import Now
from moderation.conf import conf
from moderation.db.keyed_values import ByKey
from moderation.db.locking import locked_if_free
from moderation.models import AuthorNote, Screening, Suggestion
from moderation.models.authors import forget_notes
from moderation.models.content_types import model_label
from moderation.models.screenings import ScreeningQuerySet
from moderation.review import settling

CHUNK = 500
"""Texts blanked in one transaction."""
CHUNKS_OF_A_SWEEP = 10


def blank_due(*, chunks: int | None = None, stop: threading.Event | None = None) -> int:
    """Blank what is due, the oldest of each model first, in at most `chunks` transactions; how many texts.

    Raises DatabaseError, with the chunks until then blanked.
    """
    blanked = 0
    _forget_notes()
    for kind, days in _limits():
        while chunks is None or chunks > 0:
            if stop is not None and stop.is_set():
                return blanked
            count = _blank_chunk(kind, days)
            if not count:
                break
            blanked += count
            chunks = None if chunks is None else chunks - 1
    return blanked


def _forget_notes() -> None:
    """Remove some of the notes on authors whose time is over; the audit trail keeps that there were any."""
    if conf.RETENTION_DAYS is not None:
        old = AuthorNote.objects.filter(created__lt=Now() - timedelta(days=conf.RETENTION_DAYS))
        forget_notes(old.order_by("id").values_list("pk", flat=True)[:CHUNK])


def due() -> dict[str, int]:
    """{model, or "no object": how many texts are due}."""
    counts = {_name(kind): _due(kind, days).count() for kind, days in _limits()}
    return {name: count for name, count in counts.items() if count}


def _limits() -> Iterator[tuple[int | None, float]]:
    """Yield (content type's id, days) of each kind of text whose retention ends."""
    if conf.RETENTION_DAYS is None and all(entry.retention_days is None for entry in registry.registered()):
        return
    for kind in _kinds():
        entry = registry.get(_name(kind))
        days = conf.RETENTION_DAYS if entry is None else entry.retention_days
        if days is not None:
            yield kind, days


def _kinds() -> Iterator[int | None]:
    """The content types of the texts that there are: one step through the index for each, never all rows."""
    rows = Screening.objects.blankable()
    if rows.filter(content_type=None).exists():
        yield None
    after = 0
    while (next_kind := _content_types_after(rows, after).first()) is not None:
        after = int(next_kind)
        yield after


def _content_types_after(rows: ScreeningQuerySet, after: int) -> QuerySet[Any, Any]:
    # In the order of the index that knows only what can be blanked, so that it is the one to be used.
    later = rows.filter(content_type__gt=after).order_by("content_type_id", "created")
    return later.values_list("content_type_id", flat=True)


def _due(kind: int | None, days: float) -> ScreeningQuerySet:
    rows = Screening.objects.blankable().filter(created__lt=Now() - timedelta(days=days))
    rows = rows.filter(second_look=None)  # somebody has still to judge it once more
    return rows.filter(content_type=kind) if kind is not None else rows.filter(content_type__isnull=True)


def _blank_chunk(kind: int | None, days: float) -> int:
    with transaction.atomic(using=router.db_for_write(Screening)):
        rows = locked_if_free(_due(kind, days)).order_by("created", "id")
        chosen = list(rows.only("text", "is_current", "source", "field")[:CHUNK])
        digests = {
            row.pk: row.digest() for row in chosen if row.is_current and row.source == Screening.Source.OBJECT
        }
        # What clients call their texts goes with the texts.
        suggested = [row.pk for row in chosen if row.source == Screening.Source.SUGGESTION]
        if suggested:
            Suggestion.objects.filter(screening__in=suggested).delete()
        settling.blank_words(row.pk for row in chosen)
        Screening.objects.filter(pk__in=[row.pk for row in chosen]).update(
            text="",
            text_key="",
            author_name="",
            text_digest=ByKey(digests, CharField()),
            blanked=timezone.now(),
        )
    return len(chosen)


def _name(kind: int | None) -> str:
    """`app.Model` as registered."""
    return "no object" if kind is None else model_label(kind)
