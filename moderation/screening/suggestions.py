"""Takes what API clients say of texts: each becomes a row that a person confirms in the queue, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import connections, router, transaction

from moderation.conf import conf
from moderation.models import Screening, Suggestion
from moderation.texts import storable, text_key

__all__ = ["Suggested", "receive"]


@dataclass(frozen=True)
class Suggested:
    """What a client says of a text."""

    text: str = field(repr=False)
    scores: Mapping[str, float]
    """By the client's own names."""
    labels: Mapping[str, float]
    """By the labels of the active version."""
    key_name: str = ""
    community_id: str = ""
    client_token: str = ""


def receive(suggested: Suggested) -> Suggestion:
    """Store a suggestion, and its text once for as long as nobody has decided about it.

    The text is scored like any other, but stands in no queue but that of the suggestions, is drawn for no
    sample, and is learned from only once a person has decided.
    """
    text = storable(suggested.text)
    token, community = (storable(name)[:255] for name in (suggested.client_token, suggested.community_id))
    key_name = suggested.key_name[:100]
    alias = router.db_for_write(Screening)
    with transaction.atomic(using=alias):
        if token:
            _one_at_a_time(alias, key_name, community, token)
        screening = _open_one(text, token, community, key_name) or Screening.objects.create(
            source=Screening.Source.SUGGESTION,
            text=text,
            text_key=text_key(text, conf.TEXT_KEY_SECRET),
            priority=Screening.Priority.LOW,
        )
        return Suggestion.objects.create(
            screening=screening,
            scores={storable(name): score for name, score in suggested.scores.items()},
            labels=dict(suggested.labels),
            key_name=key_name,
            client_token=token,
            community_id=community,
        )


def _one_at_a_time(alias: str, *names: str) -> None:
    """Wait for another process that stores a suggestion under these names; SQLite has one writer anyway."""
    connection = connections[alias]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["\x1f".join(names)])


def _open_one(text: str, token: str, community: str, key_name: str) -> Screening | None:
    """The undecided screening of the same text that the same client spoke of before."""
    if not token:
        return None
    same = Screening.objects.suggested().filter(
        suggestions__client_token=token,
        suggestions__community_id=community,
        suggestions__key_name=key_name,
        text=text,
    )
    return same.order_by("id").first()
