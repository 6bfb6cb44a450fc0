"""Reads the texts to learn from and to test on, reviewed and unreviewed, with the side that each is on.

Reads rows; trains nothing and knows no model.
"""

from __future__ import annotations

import csv
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from moderation.models import ModelVersion, Review, Screening, TrainingRun
from moderation.retraining import near_copies, splitting
from moderation.retraining.splitting import DEV, TEST, TRAIN, Rotation, side
from moderation.review.decisions import standing_decisions
from moderation.review.response import NOT_DRAWN, Response, response
from moderation.versions import store

__all__ = [
    "DEV",
    "TEST",
    "TRAIN",
    "Rotation",
    "Row",
    "Sides",
    "judged",
    "one_per_text",
    "reviewed",
    "rotation",
    "side",
    "sides",
    "unreviewed",
    "weighted_by_comments",
    "write_csv",
]

COMPARED = (TrainingRun.Result.BETTER, TrainingRun.Result.NOT_BETTER)
"""Results of runs whose candidate was compared on the test side to a verdict."""
_KEYS_IN_A_QUERY = 500


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
    is_preset: tuple[bool, ...] = ()
    """Of each label whether its box is as the form came, and nobody touched it; empty: not known of any."""
    screening: int | None = None
    review: int | None = None
    """Ids of what was judged, and of the decision that stands."""
    reviewer: str = ""
    reviewed: datetime | None = None
    """When the first decision on it was made: from then on a training may have learned it."""

    @property
    def side(self) -> str:
        """Return the side of a text that reads like no other, before any rotation."""
        return side(self.text_key)


@dataclass(frozen=True)
class Sides:
    """What is learned, chosen by and tested on; near copies of one text are all on one side."""

    train: list[Row] = field(default_factory=list)
    """Each text once."""
    dev: list[Row] = field(default_factory=list)
    """Each text once, weighing as many comments of the site as its reviews stand for; 0: for none."""
    test: list[Row] = field(default_factory=list)
    """Each reviewed comment, of texts that neither the active version nor one before it has learned."""
    since_active: list[Row] = field(default_factory=list)
    """Of the test side, what was first reviewed after the active version was made."""
    rotation: Rotation = field(default_factory=Rotation)
    counts: dict[str, int] = field(default_factory=dict)
    """What a training run stores: rows of each side, and the comparisons made before."""


def sides(labels: Sequence[str], of: Response | None = None, *, version: ModelVersion | None = None) -> Sides:
    """Split what people decided into what is learned, chosen by and tested on.

    labels, of: as `reviewed` takes them. version: from which the training starts; the active one by default.
    Near copies make a group, which is on the side of its key that stands first. What a version in the line
    of that one has learned, and what reads nearly like it, is no evidence for its successor: it is learned
    again. Raises ModelUnavailable where no version is active.
    """
    version = version or store.active_version()
    rows = reviewed(labels, of)
    now = rotation()
    trainings = _trainings(version)
    made = trainings[0].started if trainings and trainings[0].version == version.pk else version.created
    numbers = near_copies.groups([row.text for row in rows], [row.text_key for row in rows])
    by_group: dict[int, list[Row]] = defaultdict(list)
    for number, row in zip(numbers, rows, strict=True):
        by_group[number].append(row)
    by_side: dict[str, list[Row]] = {TRAIN: [], DEV: [], TEST: []}
    learned_before = 0
    for group in by_group.values():
        where = splitting.side_of_group((row.text_key for row in group), now.number)
        if where == TEST and any(_was_learned(group, training) for training in trainings):
            where, learned_before = TRAIN, learned_before + len(group)
        by_side[where] += group
    train, dev = one_per_text(_in_order(by_side[TRAIN])), _standing_for_comments(_in_order(by_side[DEV]))
    test = _in_order(by_side[TEST])
    since = [row for row in test if row.reviewed is not None and row.reviewed > made]
    counts = {TRAIN: len(train), DEV: len(dev), TEST: len(test), "since_active": len(since)}
    counts |= {"comparisons": now.comparisons, "learned_before": learned_before}
    return Sides(train, dev, test, since, now, counts)


def rotation() -> Rotation:
    """Count how many candidates were compared so far: the test side moves on after every ten."""
    return Rotation(TrainingRun.objects.filter(result__in=COMPARED).count())


@dataclass(frozen=True)
class _Training:
    version: int
    started: datetime
    rotation: int
    """Number of the rotation as it was then."""


def _trainings(version: ModelVersion) -> list[_Training]:
    """Return how the version and those that it came from were trained on decisions, the newest first."""
    trainings = []
    line: ModelVersion | None = version
    while line is not None:
        run = TrainingRun.objects.filter(candidate=line).order_by("id").first()
        if run is not None:
            comparisons = int(run.counts.get("comparisons", 0))
            trainings.append(_Training(line.pk, run.started or run.created, Rotation(comparisons).number))
        line = line.parent
    return trainings


def _was_learned(group: Sequence[Row], training: _Training) -> bool:
    """True where the training had a text of the group to learn or to choose by."""
    before = [row.text_key for row in group if row.reviewed is None or row.reviewed <= training.started]
    return bool(before) and splitting.side_of_group(before, training.rotation) != TEST


def _in_order(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.review or 0)


def _standing_for_comments(rows: Sequence[Row]) -> list[Row]:
    """Return each text once, weighed by how many of the site's comments its reviews stand for.

    What a person brought up stands for no others. Where nothing else was reviewed, each counts once.
    """
    weights: dict[str, float] = defaultdict(float)
    for row in rows:
        weights[row.text_key] += 1 / row.probability if row.probability else 0.0
    is_known = any(weights.values())
    return [replace(row, weight=weights[row.text_key] if is_known else 1.0) for row in one_per_text(rows)]


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
    first = Review.objects.filter(screening=OuterRef("screening"), kind=Review.Kind.DECISION)
    decisions = decisions.annotate(first=Subquery(first.order_by("number").values("created")[:1]))
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
                    is_preset=_presets(review, labels),
                    screening=screening.pk,
                    review=review.pk,
                    reviewer=review.reviewer_name,
                    reviewed=review.first,
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


def unreviewed(
    side_wanted: str, count: int, *, seed: int, rotation: int = 0
) -> tuple[list[tuple[str, str]], int]:
    """Draw at most `count` (text, key) that nobody has judged, from a random place on; and count all of them.

    What reads like a judged text is judged.

    Keys are hashes, so a run of neighbours in their order is a random sample, and the index finds it.
    """
    start = random.Random(seed).random()  # noqa: S311 - a sample, not a secret
    ranges = splitting.ranges(side_wanted, start, rotation)
    text_by_key: dict[str, str] = {}
    for low, high in ranges:
        wanted = count - len(text_by_key)
        if wanted > 0:
            part = _unjudged([(low, high)]).order_by("text_key", "pk")
            text_by_key.update(part.values_list("text_key", "text")[:wanted])
    found = [(text, key) for key, text in text_by_key.items() if side(key, rotation) == side_wanted]
    return found, _unjudged(ranges).count()


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


def _presets(review: Review, labels: Sequence[str]) -> tuple[bool, ...]:
    return () if review.touched is None else tuple(label not in review.touched for label in labels)


def _unjudged(ranges: Sequence[tuple[str, str]]) -> QuerySet[Screening]:
    """Select texts of which no like-reading one was reviewed: else the model would learn to stay wrong.

    No suggestions: a client decides what those are, and could steer the model by them. Nothing in a language
    that the model was not made for: its own scores of that are no answers.
    """
    reviews = Review.objects.filter(screening=OuterRef("pk"))
    decided = standing_decisions().filter(screening__text_key=OuterRef("text_key"))
    is_within = Q()
    for low, high in ranges:
        is_within |= Q(text_key__gte=low, text_key__lt=high)
    rows = (
        Screening.objects.with_verdict()
        .of_the_site()
        .exclude(verdict=Screening.Verdict.UNJUDGED)
        .filter(
            ~Exists(reviews),
            ~Exists(decided),
            is_within,
            blanked=None,
            outcome="",
        )
    )
    return rows.exclude(text="")


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_IN_A_QUERY):
        yield keys[start : start + _KEYS_IN_A_QUERY]
