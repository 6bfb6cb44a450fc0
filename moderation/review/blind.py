"""Chooses which open items are judged without the model's scores, and where random ones stand in the queue.

What a model misses is known from random reviews alone, and only if the reviewer does not know that the model
had nothing to say. So a drawn item stands where a flagged one would, and some flagged ones look like it.
"""

import random
from collections.abc import Sequence

from moderation.conf import conf
from moderation.models import Review, Screening
from moderation.texts import exact_digest

RECENT = 200
"""So many of the latest flagged and held screenings give the places of the audit items."""
_KEYS = 16**8


def is_blind(screening: Screening) -> bool:
    """True where the item is shown without scores until somebody decides: drawn items, some flagged ones.

    A keyed hash of the id picks the share BLIND_SHARE of the flagged ones: nobody can tell from an id which
    they are. A site that draws no audit items has no blind ones.
    """
    if screening.is_drawn_by_chance:
        return True
    if screening.queued_for != Screening.QueuedFor.FLAGGED or screening.verdict == Screening.Verdict.HELD:
        return False
    if not conf.AUDIT_RATE or screening.released is not None:
        return False
    digest = exact_digest("blind", conf.TEXT_KEY_SECRET, screening.pk)
    return int(digest[:8], 16) < conf.BLIND_SHARE * _KEYS


def is_withheld(screening: Screening, decision: Review | None) -> bool:
    """True where nothing of what the model said may be told: it is judged blind, and nobody has decided yet.

    decision: the one that stands, or None.
    """
    return decision is None and is_blind(screening)


Place = tuple[str, float, str]
"""Verdict, severity and labels of a screening."""


def places(count: int, judged_now: Sequence[Place] = ()) -> list[tuple[float, str]]:
    """Draw a severity and labels for each of `count` drawn items: those of a recent flagged screening.

    The order and the filters of the queue go by these, so a drawn item is met as often as the flagged ones,
    wherever a moderator looks. Held screenings serve only where nothing was flagged: they stand before all
    others. judged_now: what is being stored beside them.
    """
    judged = Screening.objects.flagged_or_held().of_the_site().exclude(queued_for=Screening.QueuedFor.AUTHOR)
    recent = [*judged.order_by("-id").values_list("verdict", "severity", "labels")[:RECENT], *judged_now]
    flagged, held = (
        [(severity, labels) for verdict, severity, labels in recent if verdict == wanted]
        for wanted in (Screening.Verdict.FLAGGED, Screening.Verdict.HELD)
    )
    judged_places = flagged or held
    if not judged_places:
        return [(random.uniform(0, 0.5), "") for _ in range(count)]  # noqa: S311 - a place, not a secret
    return random.choices(judged_places, k=count)  # noqa: S311 - the same
