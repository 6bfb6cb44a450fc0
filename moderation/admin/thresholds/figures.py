"""What reviews let expect of thresholds: curves, and precision and recall now and then, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from moderation.admin.display.label_names import label_name
from moderation.admin.thresholds.curves import NOTHING, Curve, drawn, in_words
from moderation.admin.thresholds.form import Stored
from moderation.admin.thresholds.wishes import Wish, answered, unreadable
from moderation.models import ModelVersion
from moderation.models.content_types import content_type_of
from moderation.review import estimates, operating_points, statistics
from moderation.review.estimates import Reviewed
from moderation.screening.judging import thresholds_of, thresholds_with
from moderation.screening.policy_preview import models_of

DAYS = 90
"""Reviews of this time give the curves and what is to be expected."""


@dataclass(frozen=True)
class Expected:
    """What reviews let expect of one label, now and with other numbers, each in words with its interval."""

    name: str
    precision_now: str
    precision_then: str
    recall_now: str
    recall_then: str


def reviewed_of(label: str, version: ModelVersion) -> Reviewed:
    """Read what people decided in the last DAYS days on texts that a policy of this label covers."""
    reviewed = estimates.read(version, timezone.now() - timedelta(days=DAYS))
    return operating_points.of_models(reviewed, {content_type_of(e.model).pk for e in models_of(label)})


def curve_of(reviewed: Reviewed, label: str, in_force: float | None) -> Curve | None:
    among = [] if in_force is None else [in_force]
    return drawn(label_name(label), operating_points.curve(reviewed, label, among), in_force)


def proposed(reviewed: Reviewed, label: str, wish: Wish) -> Wish:
    """Answer what is wished of a label; a wish of nothing stays without an answer."""
    if not wish.kind:
        return wish
    if wish.at_least is None:
        return unreadable(wish)
    return answered(wish, operating_points.propose(reviewed, label, wish.kind, wish.at_least))


def expected(reviewed: Reviewed, label: str, version: ModelVersion, proposed: Stored) -> list[Expected]:
    """Return a row for each label of which something is known, and one for any of them."""
    now, then = (
        estimates.quality(reviewed, _flags(label, version, thresholds)) for thresholds in (None, proposed)
    )
    rows = [
        Expected(
            _("any label") if name == statistics.ANY else label_name(name),
            *(
                in_words(statistics.Estimate(**figures[name][kind]))
                for kind in ("precision", "recall")
                for figures in (now, then)
            ),
        )
        for name in now
    ]
    return [row for row in rows if {row.precision_now, row.precision_then, row.recall_now} != {NOTHING}]


def _flags(label: str, version: ModelVersion, proposed: Stored | None) -> estimates.Flags:
    """Return the flag thresholds of each model that is covered; proposed: None for those in force."""
    flags: dict[int | None, Mapping[str, float]] = {}
    for entry in models_of(label):
        if proposed is None:
            thresholds, _stored = thresholds_of(entry, version)
        else:
            thresholds = thresholds_with(proposed, entry, version)
        flags[content_type_of(entry.model).pk] = thresholds.flag
    return flags
