"""What a person agrees with: the scores that were shown, the labels that counted, what there is to tick."""

from __future__ import annotations

import math
from typing import Final, Literal

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from moderation.models import ModelVersion, Scoring, Screening
from moderation.review.refusals import OpinionIsGone

CURRENT: Final = "current"
"""In place of a scoring's id: the one that the verdict rests on when the decision is made."""
Shown = int | None | Literal["current"]
PLAINLY = 0.8
"""The probability from which a label over its threshold is taken for true when the flag is upheld. Under it
every fourth or fifth label is wrong (benchmarks/uphold.py)."""


def labels_over_threshold(scoring: Scoring | None) -> list[str]:
    """The labels that counted when the scoring was made, by the thresholds in force then."""
    if scoring is None:
        return []
    scores = scores_in_order(scoring).items()
    return [label for label, score in scores if score >= scoring.thresholds.get(label, math.inf)]


def plainly_over(scoring: Scoring | None) -> list[str]:
    """The labels over threshold that upholding makes true: the highest, and each from `PLAINLY` on."""
    over = labels_over_threshold(scoring)
    if scoring is None or not over:
        return []
    highest = max(scoring.scores[label] for label in over)
    return [label for label in over if scoring.scores[label] >= min(PLAINLY, highest)]


def scores_in_order(scoring: Scoring) -> dict[str, float]:
    """The scores in the order of the version's labels: PostgreSQL keeps no order of keys."""
    order = {label: place for place, label in enumerate(scoring.model_version.labels)}
    scores: dict[str, float] = scoring.scores
    return dict(sorted(scores.items(), key=lambda entry: order.get(entry[0], len(order))))


def scorings_to_tell(screening: Screening) -> QuerySet[Scoring]:
    """The scorings that may be shown: a candidate's in a shadow trial only once somebody has decided."""
    scorings = Scoring.objects.filter(screening=screening)
    return scorings if screening.outcome else scorings.exclude(purpose=Scoring.Purpose.SHADOW)


def labels_to_judge(scoring: Scoring | None, active: ModelVersion | None) -> list[str]:
    """The labels that a person can tick: the scoring version's, or the active one's without a scoring."""
    if scoring is not None:
        return list(scores_in_order(scoring))
    return list(active.labels) if active is not None else []


def may_uphold(screening: Screening, scoring: Scoring | None) -> bool:
    """True where there is something to uphold: a label over threshold, or a comment without scores.

    A drawn item is not shown with its scores, so there is no opinion of the model to agree with. A
    suggestion is a client's, and is confirmed label by label.
    """
    if screening.is_drawn_by_chance or screening.source == Screening.Source.SUGGESTION:
        return False
    waits_unscored = scoring is None or screening.queued_for == Screening.QueuedFor.EDITED
    return waits_unscored or bool(labels_over_threshold(scoring))


def opinion_shown(screening: Screening, shown: Shown) -> Scoring | None:
    """The scoring that the person judged, which need not be the verdict's any more."""
    if shown is None:
        return None
    if shown == CURRENT:
        return screening.basis()
    seen = screening.scorings.filter(pk=shown).first()
    if seen is None:
        raise OpinionIsGone(_("The text was scored again meanwhile. Please look at it once more."))
    return seen
