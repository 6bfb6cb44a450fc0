"""Takes what API clients say of texts: each becomes a row that a person confirms in the queue, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import router, transaction

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
    with transaction.atomic(using=router.db_for_write(Screening)):
        screening = _open_one(text, token, community) or Screening.objects.create(
            source=Screening.Source.SUGGESTION,
            text=text,
            text_key=text_key(text, conf.TEXT_KEY_SECRET),
            priority=Screening.Priority.LOW,
        )
        return Suggestion.objects.create(
            screening=screening,
            scores={storable(name): score for name, score in suggested.scores.items()},
            labels=dict(suggested.labels),
            key_name=suggested.key_name[:100],
            client_token=token,
            community_id=community,
        )


def _open_one(text: str, token: str, community: str) -> Screening | None:
    """The undecided screening of the same text that the same client spoke of before."""
    if not token:
        return None
    same = Screening.objects.suggested().filter(
        suggestions__client_token=token, suggestions__community_id=community, text=text
    )
    return same.order_by("id").first()
