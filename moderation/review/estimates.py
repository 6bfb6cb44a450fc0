"""Estimates from reviews how good the policy in force is on the site, and how far people agree.

Only reviewed rows are read, the latest MOST of them. Precision and recall are those of the thresholds that
are handed in, on the scores of the version that is handed in; each item counts with the inverse of the
probability with which it came to be reviewed (`moderation.review.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.models import ModelVersion, Review, Scoring, Screening, SecondOpinionDue
from moderation.review import agreement, statistics
from moderation.review.agreement import Judged
from moderation.review.decisions import standing_decisions
from moderation.review.response import NOT_DRAWN, Response, response
from moderation.review.statistics import Estimate

MOST = 20_000
"""Decisions that are read at most, the newest: a site that has more of them needs no older ones."""
OUTCOME = "outcome"
"""In place of a label: whether the comment is hidden or shown."""
_IDS_IN_A_QUERY = 500


@dataclass(frozen=True)
class Item:
    """One decided screening as the estimates see it."""

    created: datetime
    text_key: str
    content_type_id: int | None
    labels: Mapping[str, bool | None]
    outcome: str
    scores: Mapping[str, float] | None
    """Of the version that is estimated; None: it has not scored the text."""
    probability: float | None
    """With which it came to be reviewed (see `moderation.review.response`); None: it stands for no others."""
    reached: float | None
    is_random: bool
    second: tuple[tuple[str, Mapping[str, bool | None]], ...] = ()
    """Outcome and labels of each second opinion."""
    second_weight: float = 1.0
    """How many decided items one with a second opinion stands for."""


@dataclass(frozen=True)
class Reviewed:
    """The decided screenings of a time, and how much of what came up was reviewed."""

    items: Sequence[Item]
    labels: Sequence[str]
    since: datetime
    """No earlier screening is among them."""
    unreached: float = 0.0
    """Share of what came up, the audit aside, in the part of the queue to which nobody came."""

    def between(self, since: datetime, until: datetime) -> Reviewed:
        """Return those of the screenings that were made from `since` on and before `until`."""
        chosen = [item for item in self.items if since <= item.created < until]
        return Reviewed(chosen, self.labels, max(since, self.since), self.unreached)


@dataclass(frozen=True)
class Estimates:
    """What the reviews say; every estimate is {"value", "low", "high"}, all None where it is not enough."""

    since: str
    decided: int
    random: int
    """Of these, how many chance alone had brought up: recall rests on them."""
    second_opinions: int
    unreached: float
    quality: dict[str, dict[str, Any]] = field(default_factory=dict)
    """{label, or `statistics.ANY`: {"precision": ..., "recall": ...}}."""
    between_people: dict[str, dict[str, Any]] = field(default_factory=dict)
    """{label, or OUTCOME: alpha between the decisions and the second opinions, with its `items`}."""
    with_model: dict[str, dict[str, Any]] = field(default_factory=dict)
    """{label, or `statistics.ANY`: the same between the decision and the model, weighted to the site}."""


Flags = Mapping[int | None, Mapping[str, float]]
"""{content type: {label: the score from which it flags}}; None: of texts that belong to no object."""


def read(version: ModelVersion, since: datetime) -> Reviewed:
    """Read what people decided on the screenings made since then. Raises DatabaseError."""
    decisions = (
        standing_decisions()
        .filter(screening__created__gte=since)
        .exclude(screening__source=Screening.Source.SUGGESTION)
        .select_related("screening")
        .defer("note", "screening__text")
        .order_by("-screening_id")
    )
    rows = list(decisions[:MOST])
    if len(rows) == MOST:
        since = rows[-1].screening.created
    among = Screening.objects.filter(created__gte=since)
    shares = response(among, counts_blanked=True)
    items = [item for chunk in _chunks(rows) for item in _items(chunk, version, shares)]
    return Reviewed(items, list(version.labels), since, shares.unreached)


def estimate(reviewed: Reviewed, flags: Flags) -> Estimates:
    """Estimate precision, recall and agreement from what was read."""
    drawn = drawn_items(reviewed)
    truth, flagged = _matrices(drawn, reviewed.labels, flags)
    twice = [item for item in reviewed.items if item.second]
    return Estimates(
        since=reviewed.since.isoformat(),
        decided=len(reviewed.items),
        random=sum(item.is_random for item in drawn),
        second_opinions=len(twice),
        unreached=reviewed.unreached,
        quality=dict(statistics.figures(truth, flagged, reviewed.labels, sample_of(drawn))),
        between_people=_between_people(twice, reviewed.labels),
        with_model=_with_model(drawn, truth, flagged, reviewed.labels),
    )


def quality(reviewed: Reviewed, flags: Flags) -> dict[str, statistics.Figures]:
    """Estimate precision and recall alone: {label, or `statistics.ANY`: {"precision" | "recall": ...}}."""
    drawn = drawn_items(reviewed)
    truth, flagged = _matrices(drawn, reviewed.labels, flags)
    return statistics.figures(truth, flagged, reviewed.labels, sample_of(drawn))


def drawn_items(reviewed: Reviewed) -> list[Item]:
    """Return the items with scores that stand for others: how they came to be reviewed is known."""
    return [item for item in reviewed.items if item.scores is not None and item.probability is not None]


def sample_of(drawn: Sequence[Item]) -> statistics.Sample:
    """Return how the items of `drawn_items` came to be reviewed."""
    return statistics.Sample(
        [item.probability or 1.0 for item in drawn],
        [item.reached or item.probability or 1.0 for item in drawn],
        [item.is_random for item in drawn],
        [item.text_key for item in drawn],
    )


def as_stored(estimates: Estimates) -> dict[str, Any]:
    """Return the estimates as JSON holds them."""
    return asdict(estimates)


def by_period(
    reviewed: Reviewed, flags: Flags, until: datetime, length: timedelta, count: int
) -> list[dict[str, Any]]:
    """Estimate each of the last `count` periods of that length, the oldest first; earlier ones are left out.

    Each has `since` and `until` beside what `Estimates` has.
    """
    periods = []
    for number in range(count, 0, -1):
        start, end = until - number * length, until - (number - 1) * length
        if end > reviewed.since:
            part = estimate(reviewed.between(start, end), flags)
            periods.append({**as_stored(part), "since": start.isoformat(), "until": end.isoformat()})
    return periods


def _items(rows: Sequence[Review], version: ModelVersion, shares: Response) -> Iterator[Item]:
    keys = [review.screening_id for review in rows]
    scores: dict[int, Mapping[str, float]] = dict(
        Scoring.objects.filter(model_version=version, screening_id__in=keys)
        .order_by("is_basis", "id")
        .values_list("screening_id", "scores")
    )
    second = _second_opinions(keys)
    weights = dict(
        SecondOpinionDue.objects.filter(screening_id__in=keys).values_list("screening_id", "probability")
    )
    for review in rows:
        screening = review.screening
        drawn = _drawn_with(screening)
        yield Item(
            created=screening.created,
            text_key=screening.text_key or f"id:{screening.pk}",
            content_type_id=screening.content_type_id,
            labels=review.labels,
            outcome=review.outcome,
            scores=scores.get(screening.pk),
            probability=None if drawn is None else drawn * shares.share(screening),
            reached=None if drawn is None else drawn * shares.share_of_reached(screening),
            is_random=screening.queued_for == Screening.QueuedFor.AUDIT,
            second=tuple(second.get(screening.pk, ())),
            second_weight=1 / weights.get(screening.pk, 1.0),
        )


def _second_opinions(keys: Sequence[int]) -> dict[int, list[tuple[str, Mapping[str, bool | None]]]]:
    """{screening id: outcome and labels of each second opinion that nobody took back}."""
    undone = Review.objects.filter(screening_id__in=keys, kind=Review.Kind.UNDO).values("undoes")
    rows = Review.objects.filter(screening_id__in=keys, kind=Review.Kind.SECOND_OPINION)
    opinions: dict[int, list[tuple[str, Mapping[str, bool | None]]]] = {}
    for key, outcome, labels in rows.exclude(pk__in=undone).values_list("screening_id", "outcome", "labels"):
        opinions.setdefault(key, []).append((outcome, labels))
    return opinions


def _drawn_with(screening: Screening) -> float | None:
    if screening.queued_for in NOT_DRAWN:
        return None
    return screening.sampling_probability or 1.0


def _matrices(
    items: Sequence[Item], labels: Sequence[str], flags: Flags
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return (n_items, n_labels) of truth, 1, 0 or NaN, and of whether the thresholds flag it."""
    truth = np.full((len(items), len(labels)), math.nan)
    flagged = np.zeros((len(items), len(labels)), dtype=bool)
    for row, item in enumerate(items):
        thresholds = flags.get(item.content_type_id, flags.get(None, {}))
        for column, label in enumerate(labels):
            value = item.labels.get(label)
            truth[row, column] = math.nan if value is None else float(value)
            score = (item.scores or {}).get(label, -1.0)
            flagged[row, column] = score >= thresholds.get(label, math.inf)
    return truth, flagged


def _between_people(items: Sequence[Item], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    weights = [item.second_weight for item in items]
    keys = [item.text_key for item in items]
    answers: dict[str, list[list[Any]]] = {
        OUTCOME: [[item.outcome, *(outcome for outcome, _ in item.second)] for item in items]
    }
    for label in labels:
        answers[label] = [
            [
                value
                for given in (item.labels, *(theirs for _, theirs in item.second))
                if (value := given.get(label)) is not None
            ]
            for item in items
        ]
    return {name: _told(Judged(given, weights, keys)) for name, given in answers.items()}


def _with_model(
    items: Sequence[Item],
    truth: NDArray[np.float64],
    flagged: NDArray[np.bool_],
    labels: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Measure how far people agree with the model; without MIN_RANDOM random reviews nobody knows."""
    names = (statistics.ANY, *labels)
    if sum(item.is_random for item in items) < statistics.MIN_RANDOM:
        return {name: _told(Judged([])) for name in names}
    weights = np.array([1 / (item.probability or 1.0) for item in items])
    _, texts = np.unique(np.array([item.text_key for item in items]), return_inverse=True)
    any_true, any_flagged = statistics.of_any_label(truth, flagged)
    columns = [(any_true, any_flagged), *zip(truth.T, flagged.T, strict=True)]
    told = {}
    for name, (is_true, is_flagged) in zip(names, columns, strict=True):
        known = ~np.isnan(is_true)
        yes = is_true[known] + is_flagged[known]
        counts = np.stack([yes, 2 - yes], axis=1)
        told[name] = _with_items(*agreement.of_counts(counts, weights[known], texts[known]))
    return told


def _told(judged: Judged) -> dict[str, Any]:
    return _with_items(*agreement.alpha(judged))


def _with_items(value: Estimate, items: int) -> dict[str, Any]:
    return {**asdict(value), "items": items}


def _chunks(rows: Sequence[Review]) -> Iterator[Sequence[Review]]:
    for start in range(0, len(rows), _IDS_IN_A_QUERY):
        yield rows[start : start + _IDS_IN_A_QUERY]
