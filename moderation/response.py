"""What share of the items that came up for review was reviewed, by what decides about it; reads rows only.

A queue that is never emptied is read from its top. An item then has been reviewed with the probability that
it came up times the share of such items that somebody came to (weighting classes for non-response; Little &
Rubin 2019, section 3.3). Classes are what the order goes by: the severity, in bands, and the item's reason.
Audit items stand at random places, so they are one class: whether one is reviewed tells nothing of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, F, Q
from django.db.models.functions import Floor

from moderation.models import Screening

BANDS = 20
"""To each unit of severity: a band is 0.05 wide."""
MIN_REVIEWED = 5
"""A band with fewer reviewed items is taken together with the next."""

Class = tuple[str, int]


@dataclass(frozen=True)
class Response:
    """Shares reviewed of what came up, whose text is still there."""

    shares: dict[Class, float] = field(default_factory=dict)
    unseen: float = 0.0
    """Share of what came up for certain that stands in bands of which nobody has reviewed one item; figures
    take it to be like the nearest band, which no data bear out."""

    def of(self, screening: Screening) -> float:
        """The share for items such as this reviewed one, over 0."""
        return self.shares.get(_class(screening.queued_for, screening.severity), 1.0)


def response() -> Response:
    """Count what came up and what was reviewed; one query that reads all that ever stood in the queue."""
    came_up: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    rows = Screening.objects.filter(blanked=None).exclude(queued_for="").order_by()
    for reason, band, count, reviewed in (
        rows.annotate(band=Floor(F("severity") * BANDS))
        .values_list("queued_for", "band")
        .annotate(came_up=Count("pk"), reviewed=Count("pk", filter=~Q(outcome="")))
    ):
        of = _class(reason, band / BANDS)
        before = came_up[reason].get(of[1], (0, 0))
        came_up[reason][of[1]] = (before[0] + count, before[1] + reviewed)
    shares = {
        (reason, band): share for reason, bands in came_up.items() for band, share in _shares(bands).items()
    }
    certain = [
        pair
        for reason, bands in came_up.items()
        if reason != Screening.QueuedFor.AUDIT
        for pair in bands.values()
    ]
    total = sum(count for count, _ in certain)
    unseen = sum(count for count, reviewed in certain if not reviewed)
    return Response(shares, unseen / total if total else 0.0)


def _class(reason: str, severity: float) -> Class:
    if reason == Screening.QueuedFor.AUDIT:
        return reason, 0
    return reason, math.floor(severity * BANDS)


def _shares(bands: dict[int, tuple[int, int]]) -> dict[int, float]:
    """{band: share reviewed}, from the most severe on, small bands together with what follows them."""
    groups: list[list[int]] = [[]]
    seen = 0
    for band in sorted(bands, reverse=True):
        if seen >= MIN_REVIEWED:
            groups.append([])
            seen = 0
        groups[-1].append(band)
        seen += bands[band][1]
    if len(groups) > 1 and seen < MIN_REVIEWED:  # the last is too small to stand alone
        last = groups.pop()
        groups[-1] += last
    found = {}
    for group in groups:
        count = sum(bands[band][0] for band in group)
        reviewed = sum(bands[band][1] for band in group)
        if reviewed:
            found.update(dict.fromkeys(group, reviewed / count))
    return found
