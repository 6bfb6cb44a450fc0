"""Draws imported texts to learn from; none of them chooses, calibrates or tests, as nobody drew them here."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from moderation.conf import conf
from moderation.models import Review, Screening
from moderation.models.conditions import IMPORTED
from moderation.retraining import near_copies, splitting, training_data
from moderation.retraining.training_data import TRAIN, Row

_KEYS_IN_A_QUERY = 500


def imported(labels: Sequence[str], count: int, *, seed: int, apart_from: Sequence[Row] = ()) -> list[Row]:
    """Draw at most `count` imported texts of the side that is learned, each with the weight IMPORTED_WEIGHT.

    labels: the order of each row's labels. apart_from: rows that choose or test, none of which a learned text
    may be nearly a copy of. What reads like a text on which somebody here has decided is left out, too: the
    site's own decision counts.
    """
    if count < 1 or not conf.IMPORTED_WEIGHT:
        return []
    rotation = training_data.rotation().number
    rows = Screening.objects.filter(IMPORTED, blanked=None).exclude(text_key="")
    keys = {
        pk: key
        for pk, key in rows.order_by().values_list("pk", "text_key").iterator()
        if splitting.side(key, rotation) == TRAIN
    }
    judged = training_data.judged(set(keys.values()))
    one_per_key = {key: pk for pk, key in sorted(keys.items()) if key not in judged}
    drawn = sorted(one_per_key.values())
    if len(drawn) > count:
        drawn = random.Random(seed).sample(drawn, count)  # noqa: S311 - a sample, not a secret
    found = [row for chunk in _chunks(drawn) for row in _rows(chunk, labels)]
    return without_copies(found, apart_from)


def without_copies(rows: Sequence[Row], apart_from: Sequence[Row]) -> list[Row]:
    """Leave out what makes one group of near copies with a row that chooses or tests.

    rows, apart_from: with the site's text keys.
    """
    if not rows or not apart_from:
        return list(rows)
    together = [*apart_from, *rows]
    groups = near_copies.groups([row.text for row in together], [row.text_key for row in together])
    taken = set(groups[: len(apart_from)])
    return [row for group, row in zip(groups[len(apart_from) :], rows, strict=True) if group not in taken]


def _rows(screenings: Sequence[int], labels: Sequence[str]) -> list[Row]:
    reviews = Review.objects.filter(screening_id__in=screenings, kind=Review.Kind.IMPORT)
    said = {
        review.screening_id: review
        for review in reviews.select_related("screening").order_by("screening_id", "number")
    }
    rows = [
        Row(
            review.screening.text,
            tuple(_truth(review.labels.get(label)) for label in labels),
            review.screening.text_key,
            weight=conf.IMPORTED_WEIGHT,
        )
        for review in said.values()
    ]
    return [row for row in rows if not all(math.isnan(value) for value in row.labels)]


def _truth(value: bool | None) -> float:
    return math.nan if value is None else float(value)


def _chunks(keys: Sequence[int]) -> list[Sequence[int]]:
    return [keys[start : start + _KEYS_IN_A_QUERY] for start in range(0, len(keys), _KEYS_IN_A_QUERY)]
