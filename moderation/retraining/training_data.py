"""Reads the texts to learn from and to test on, reviewed and unreviewed, with the side that each is on.

Reads rows; trains nothing and knows no model.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.db.models import Count, Exists, OuterRef, QuerySet

from moderation.models import Review, Screening
from moderation.review.decisions import standing_decisions
from moderation.review.response import NOT_DRAWN, Response, response

TRAIN, DEV, TEST = "train", "dev", "test"
TEST_SHARE, DEV_SHARE = 0.25, 0.15
"""Shares of the texts, by their key; the rest is learned. Never change them: a text keeps its side."""
_KEYS = 16**8
_KEYS_IN_A_QUERY = 500
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
    """With which it was reviewed: drawn, times the share of such items that somebody came to. None: a person
    chose it, or no model judged its language, and it tells nothing of the others."""
    reached_probability: float | None = None
    """The same, were there nothing in the queue below what was reached."""
    is_random: bool = False
    """True if chance alone brought it up: only such rows tell of what no model pointed at."""

    @property
    def side(self) -> str:
        return side(self.text_key)


def side(text_key: str) -> str:
    """Return the side of the split on which a text is: a function of its key alone."""
    share = int(text_key[:8], 16) / _KEYS
    return next(name for name, (low, high) in _BOUNDS.items() if low <= share < high)


def reviewed(labels: Sequence[str], of: Response | None = None) -> list[Row]:
    """Return a row for each reviewed screening with its ground truth, oldest decision first; no blanked ones.

    The population is comments: two screenings of one text are two rows, each with the probability with which
    it came up itself. One that was certain to be reviewed stays so when the same text is drawn again.

    labels: the order of each row's labels; one that a decision does not know is masked. of: the shares of
    what came up that were reviewed; counted unless they are given.
    """
    decisions = (
        standing_decisions().filter(screening__blanked=None).select_related("screening").order_by("id")
    )
    of = of or response()
    rows: list[Row] = []
    for review in decisions.exclude(screening__text="").exclude(screening__text_key="").iterator():
        truth = tuple(_truth(review, label) for label in labels)
        if not all(math.isnan(value) for value in truth):
            screening = review.screening
            probability = _drawn_with(screening)
            rows.append(
                Row(
                    screening.text,
                    truth,
                    screening.text_key,
                    probability=_times(probability, of.share(screening)),
                    reached_probability=_times(probability, of.share_of_reached(screening)),
                    is_random=probability is not None and screening.queued_for == Screening.QueuedFor.AUDIT,
                )
            )
    return rows


def one_per_text(rows: Iterable[Row]) -> list[Row]:
    """Return the last of the rows whose texts read the same: many reviews of a text teach it only once."""
    return list({row.text_key: row for row in rows}.values())


def weighted_by_comments(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, each weighted by the number of the site's current comments that read the same."""
    counts: dict[str, int] = {}
    for keys in _chunks([row.text_key for row in rows]):
        comments = Screening.objects.of_the_site()
        current = comments.filter(text_key__in=keys, is_current=True, blanked=None).order_by()
        counts.update(current.values_list("text_key").annotate(Count("pk")))
    return [replace(row, weight=float(max(1, counts.get(row.text_key, 1)))) for row in rows]


def judged(keys: Iterable[str]) -> set[str]:
    """Return the text keys on which a decision stands."""
    with_decision: set[str] = set()
    for chunk in _chunks(list(keys)):
        decided = standing_decisions().filter(screening__text_key__in=chunk)
        with_decision.update(decided.values_list("screening__text_key", flat=True))
    return with_decision


def unreviewed(side_wanted: str, count: int, *, seed: int) -> tuple[list[tuple[str, str]], int]:
    """Draw at most `count` (text, key) that nobody has judged, from a random place on; and count all of them.

    What reads like a judged text is judged.

    Keys are hashes, so a run of neighbours in their order is a random sample, and the index finds it.
    """
    low, high = _BOUNDS[side_wanted]
    start = random.Random(seed).uniform(low, high)  # noqa: S311 - a sample, not a secret
    everything = _unjudged(low, high)
    text_by_key: dict[str, str] = {}
    for part in (_unjudged(start, high), _unjudged(low, start)):
        wanted = count - len(text_by_key)
        if wanted > 0:
            text_by_key.update(part.order_by("text_key").values_list("text_key", "text")[:wanted])
    return [(text, key) for key, text in text_by_key.items() if side(key) == side_wanted], everything.count()


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


def _times(probability: float | None, share: float) -> float | None:
    return None if probability is None else probability * share


def _drawn_with(screening: Screening) -> float | None:
    if screening.queued_for in NOT_DRAWN:
        return None
    return screening.sampling_probability or 1.0


def _unjudged(low: float, high: float) -> QuerySet[Screening]:
    """Select texts of which no like-reading one was reviewed: else the model would learn to stay wrong.

    No suggestions: a client decides what those are, and could steer the model by them. Nothing in a language
    that the model was not made for: its own scores of that are no answers.
    """
    reviews = Review.objects.filter(screening=OuterRef("pk"))
    decided = standing_decisions().filter(screening__text_key=OuterRef("text_key"))
    rows = (
        Screening.objects.with_verdict()
        .of_the_site()
        .exclude(verdict=Screening.Verdict.UNJUDGED)
        .filter(
            ~Exists(reviews),
            ~Exists(decided),
            blanked=None,
            outcome="",
            text_key__gte=_bound(low),
            text_key__lt=_bound(high),
        )
    )
    return rows.exclude(text="")


def _bound(share: float) -> str:
    return "g" if share >= 1 else f"{math.ceil(share * _KEYS):08x}"


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_IN_A_QUERY):
        yield keys[start : start + _KEYS_IN_A_QUERY]
