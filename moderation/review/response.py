"""Counts which share of the items that came up for review was reviewed, by class of item; reads rows only.

A queue that is never emptied is read from its top. An item then has been reviewed with the probability that
it came up times the share of such items that somebody came to (weighting classes for non-response; Little &
Rubin 2019, section 3.3). Classes are what the order goes by: the severity, in bands, and the item's reason.
What chance alone brought up stands at random places, so audit items are one class and disagreements of a
shadow trial another: whether one of them is reviewed tells nothing of it.

What moderators picked, by its topic, author or the like, was not reached in that order. It is a class of its
own of which everything was reviewed: each such item counts for itself, and the others stand for the rest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Floor

from moderation.models import Screening
from moderation.models.conditions import DRAWN_BY_CHANCE
from moderation.review import statistics

BANDS = 20
"""To each unit of severity: a band is 0.05 wide."""

NOT_DRAWN = ("", Screening.QueuedFor.LANGUAGE, Screening.QueuedFor.REPORTED, Screening.QueuedFor.AUTHOR)
"""Reasons to stand in the queue that have nothing to do with what the model said: such items stand for no
others, and the audit items stand for them, too."""

Class = tuple[str, int]


@dataclass(frozen=True)
class Response:
    """Shares reviewed of what came up, whose text is still there."""

    of_all: dict[Class, float] = field(default_factory=dict)
    """Bands that nobody reached are taken to be like the nearest, which no data bear out."""
    of_reached: dict[Class, float] = field(default_factory=dict)
    """Without those bands."""
    unreached: float = 0.0
    """Share of what came up for certain that stands in such bands."""

    def share(self, screening: Screening) -> float:
        """Return the share reviewed of items such as this reviewed one, over 0."""
        if screening.was_picked:
            return 1.0
        return self.of_all.get(_class(screening.queued_for, screening.severity), 1.0)

    def share_of_reached(self, screening: Screening) -> float:
        """Return the same share in the part of the queue that was reached."""
        if screening.was_picked:
            return 1.0
        return self.of_reached.get(_class(screening.queued_for, screening.severity), 1.0)


def response(among: QuerySet[Screening] | None = None, *, counts_blanked: bool = False) -> Response:
    """Count what came up and what was reviewed; one query that reads all that stood in the queue.

    among: the screenings that are looked at, all by default. counts_blanked: True also counts those without
    a text, for figures that need none.
    """
    came_up: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    rows = Screening.objects.all() if among is None else among
    rows = rows.exclude(queued_for__in=NOT_DRAWN).order_by()
    if not counts_blanked:
        rows = rows.filter(blanked=None)
    for reason, floor, count, reviewed in (
        rows.annotate(band=Floor(F("severity") * BANDS))
        .values_list("queued_for", "band")
        .annotate(
            came_up=Count("pk", filter=Q(was_picked=False)),
            reviewed=Count("pk", filter=~Q(outcome="") & Q(was_picked=False)),
        )
    ):
        band = 0 if reason in DRAWN_BY_CHANCE else int(floor)
        before = came_up[reason].get(band, (0, 0))
        came_up[reason][band] = (before[0] + count, before[1] + reviewed)
    shares = Response()
    certain = unreached = 0
    for reason, bands in came_up.items():
        of_all, of_reached = statistics.shares_by_band(bands)
        shares.of_all.update({(reason, band): share for band, share in of_all.items()})
        shares.of_reached.update({(reason, band): share for band, share in of_reached.items()})
        if reason not in DRAWN_BY_CHANCE:
            certain += sum(count for count, _ in bands.values())
            unreached += sum(bands[band][0] for band in bands if band not in of_reached)
    return replace(shares, unreached=unreached / certain if certain else 0.0)


def _class(reason: str, severity: float) -> Class:
    """Return the class of an item: what was drawn for one reason is one class, wherever it stands."""
    return reason, 0 if reason in DRAWN_BY_CHANCE else math.floor(severity * BANDS)
