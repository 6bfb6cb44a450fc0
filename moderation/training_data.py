"""What there is to learn from and to test on: reviewed texts, unreviewed ones, and the side each is on.

Reads rows; trains nothing and knows no model.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db.models import Exists, OuterRef, QuerySet

from moderation.models import Review, Screening
from moderation.reviewing import standing_decisions

TRAIN, DEV, TEST = "train", "dev", "test"
TEST_SHARE, DEV_SHARE = 0.25, 0.15
"""Shares of the texts, by their key; the rest is learned. Never change them: a text's side binds for ever."""
_KEYS = 16**8
_BOUNDS = {
    TEST: (0.0, TEST_SHARE),
    DEV: (TEST_SHARE, TEST_SHARE + DEV_SHARE),
    TRAIN: (TEST_SHARE + DEV_SHARE, 1.0),
}


@dataclass(frozen=True)
class Row:
    """One text with what is known of it."""

    text: str
    labels: tuple[float, ...]
    """1, 0, a probability between, or NaN: not looked at. In the order of the labels asked for."""
    text_key: str
    weight: float = 1.0
    """How many texts of the site it stands for."""
    probability: float | None = None
    """With which it was drawn for review; None: a person chose it, and it tells nothing of the others."""

    @property
    def side(self) -> str:
        return side(self.text_key)


def side(text_key: str) -> str:
    """On which side of the split a text is: a function of its key alone."""
    share = int(text_key[:8], 16) / _KEYS
    return next(name for name, (low, high) in _BOUNDS.items() if low <= share < high)


def reviewed(labels: Sequence[str]) -> list[Row]:
    """The ground truth of each text, the latest where several screenings share a key; no blanked ones.

    labels: the order of each row's labels; one that a decision does not know is masked.
    """
    decisions = (
        standing_decisions().filter(screening__blanked=None).select_related("screening").order_by("id")
    )
    rows: dict[str, Row] = {}
    for review in decisions.exclude(screening__text="").exclude(screening__text_key="").iterator():
        truth = tuple(_truth(review, label) for label in labels)
        if not all(math.isnan(value) for value in truth):
            screening = review.screening
            rows[screening.text_key] = Row(
                screening.text, truth, screening.text_key, probability=_probability(screening)
            )
    return list(rows.values())


def unreviewed(side_wanted: str, count: int, *, seed: int) -> tuple[list[tuple[str, str]], int]:
    """At most `count` (text, key) that nobody has judged, from a random place on, and how many there are.

    Keys are hashes, so a run of neighbours in their order is a random sample, and the index finds it.
    """
    low, high = _BOUNDS[side_wanted]
    start = random.Random(seed).uniform(low, high)  # noqa: S311 - a sample, not a secret
    everything = _unjudged(low, high)
    found: dict[str, str] = {}
    for part in (_unjudged(start, high), _unjudged(low, start)):
        wanted = count - len(found)
        if wanted > 0:
            found.update(part.order_by("text_key").values_list("text_key", "text")[:wanted])
    return [(text, key) for key, text in found.items() if side(key) == side_wanted], everything.count()


def write_csv(path: Path, labels: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as the classifier library reads them: text, weight, a column per label, empty if masked."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "weight", *labels])
        for row in rows:
            cells = ["" if math.isnan(value) else f"{value:.6g}" for value in row.labels]
            writer.writerow([row.text, f"{row.weight:.6g}", *cells])


def _truth(review: Review, label: str) -> float:
    value = review.labels.get(label)
    return math.nan if value is None else float(value)


def _probability(screening: Screening) -> float | None:
    if not screening.queued_for:
        return None
    return screening.sampling_probability or 1.0


def _unjudged(low: float, high: float) -> QuerySet[Screening]:
    reviews = Review.objects.filter(screening=OuterRef("pk"))
    rows = Screening.objects.filter(
        ~Exists(reviews),
        status=Screening.Status.DONE,
        is_current=True,
        blanked=None,
        outcome="",
        text_key__gte=_bound(low),
        text_key__lt=_bound(high),
    )
    return rows.exclude(text="")


def _bound(share: float) -> str:
    return "g" if share >= 1 else f"{math.ceil(share * _KEYS):08x}"
