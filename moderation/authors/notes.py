"""Notes on authors, which moderators leave for each other: stored, and found again."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router, transaction
from django.db.models import Max, Q, QuerySet

from moderation import audit
from moderation.audit import Action, Actor
from moderation.authors.identity import Author
from moderation.coordination.turns import AUTHORS, wait_for_turn
from moderation.models import AuthorNote, Screening
from moderation.texts import storable

MOST_CHARACTERS = 2000


def add(author: Author, text: str, by: AbstractBaseUser) -> AuthorNote | None:
    """Store a note on an author, at most MOST_CHARACTERS of it; None for an empty one, or nobody known.

    Who sends the newest note once more, as by a double click, is given that one. The audit trail says that
    there is a note, and not what it says.
    """
    text = storable(text.strip()[:MOST_CHARACTERS])
    if not text or not author.is_known:
        return None
    key, name = author.identity
    actor = Actor.of(by)
    with transaction.atomic(using=router.db_for_write(AuthorNote)):
        wait_for_turn(AUTHORS)
        newest = notes_on(author).first()
        if newest is not None and newest.text == text and newest.written_by_id == by.pk:
            return newest
        note: AuthorNote = AuthorNote.objects.create(
            author_key=key, author_name=name, text=text, written_by=actor.user, written_by_name=actor.name
        )
        audit.record(Action.AUTHOR_NOTED, actor, note, before={}, after={"characters": len(text)})
    return note


def notes_on(author: Author) -> QuerySet[AuthorNote]:
    """Select the notes on an author, the newest first."""
    key, name = author.identity
    return AuthorNote.objects.filter(author_key=key, author_name=name).order_by("-id")


def newest_of(screenings: Iterable[Screening]) -> dict[int, AuthorNote]:
    """{screening id: the newest note on its author}; one query, or none where nobody is known."""
    rows = {row.pk: Author.of(row).identity for row in screenings}
    keys = [key for key, _ in rows.values() if key]
    names = [name for key, name in rows.values() if name and not key]
    if not keys and not names:
        return {}
    notes = AuthorNote.objects.filter(
        Q(author_key__in=keys, author_name="") | Q(author_key="", author_name__in=names)
    )
    newest = notes.order_by().values("author_key", "author_name").annotate(newest=Max("pk")).values("newest")
    by_author = {
        (note.author_key, note.author_name): note for note in AuthorNote.objects.filter(pk__in=newest)
    }
    return {pk: by_author[author] for pk, author in rows.items() if author in by_author}
