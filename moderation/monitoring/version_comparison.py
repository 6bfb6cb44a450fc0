"""Compares two model versions: their labels, thresholds and figures, and what both said of the same texts.

Nothing is scored here: a text counts that both have scored, live, in a rescreen or in the shadow.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from moderation import policies
from moderation.models import ModelVersion, Scoring
from moderation.policies import CLEAR, HELD, Thresholds
from moderation.screening.judging import thresholds_for

LOOKED_THROUGH = 20_000
"""Of each version's latest scorings, among which those of the same screenings are looked for."""
MOST = 2_000
"""Screenings that are compared, the latest."""
FEWEST = 30
"""With fewer of them nothing is said of live traffic: it would be chance, and could tell single items."""
FIGURES = ("average_precision", "precision", "recall")
_IDS_IN_A_QUERY = 500


@dataclass(frozen=True)
class Share:
    """A share of the screenings, with its 95 % interval by Wilson's score (Wilson 1927)."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """Return the share, 0 to 1."""
        return self.count / self.of if self.of else 0.0

    @property
    def low(self) -> float:
        """Return the lower end of the interval."""
        return self._ends()[0]

    @property
    def high(self) -> float:
        """Return the upper end of the interval."""
        return self._ends()[1]

    def _ends(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        z, n, p = 1.96, self.of, self.value
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class OfLabel:
    """How often each version flags a label, of the screenings that both scored."""

    label: str
    old: Share
    new: Share
    only_old: int
    only_new: int


@dataclass(frozen=True)
class OnTraffic:
    """What two versions say of the same screenings, by the thresholds in force for each."""

    screenings: int
    """How many both scored, MOST at most; under FEWEST everything below is empty."""
    since: datetime | None = None
    """When the earliest of them was scored."""
    agreement: Share | None = None
    """Same verdict by both."""
    flagged: tuple[Share, Share] | None = None
    """Flagged or held, by the old and by the new one."""
    held: tuple[Share, Share] | None = None
    verdicts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """{(verdict by the old, by the new): how many}."""
    labels: Sequence[OfLabel] = ()


@dataclass(frozen=True)
class ThresholdPair:
    """The thresholds of a label that two versions carry; None: the version has no such label."""

    label: str
    old: float | None
    new: float | None


@dataclass(frozen=True)
class Measured:
    """A figure of a manifest with its 95 % interval; both ends None where it has none."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of a label, or of all labels, as each version's manifest has it; None: it has none."""

    label: str
    """Empty: the mean of the labels."""
    name: str
    old: Measured | None
    new: Measured | None


def compare_thresholds(old: ModelVersion, new: ModelVersion) -> list[ThresholdPair]:
    """Return a row for each label of either version, in the order of the old one."""
    labels = dict.fromkeys([*old.labels, *new.labels])
    return [ThresholdPair(label, old.thresholds.get(label), new.thresholds.get(label)) for label in labels]


def compare_figures(old: ModelVersion, new: ModelVersion) -> list[Figure]:
    """Return average precision, precision and recall of each version on the rows that it was validated on."""
    both = [_figures(version) for version in (old, new)]
    keys = dict.fromkeys([*both[0], *both[1]])
    return [Figure(*key, both[0].get(key), both[1].get(key)) for key in keys]


def validated_on(version: ModelVersion) -> int | None:
    """Return on how many rows a version's figures were measured, or None where its manifest says nothing."""
    rows = (version.metrics.get("validation") or {}).get("rows")
    return rows if isinstance(rows, int) else None


def compare_on_traffic(old: ModelVersion, new: ModelVersion) -> OnTraffic:
    """Judge the latest screenings that both versions scored by the thresholds in force; reads rows only."""
    keys = _scored_by_both(old, new)
    if len(keys) < FEWEST:
        return OnTraffic(len(keys))
    verdicts: Counter[tuple[str, str]] = Counter()
    labels: Counter[tuple[str, bool, bool]] = Counter()
    since: datetime | None = None
    for pair in _pairs(keys, old, new):
        judged = [policies.judge(scoring.scores, thresholds) for scoring, thresholds in pair]
        verdicts[judged[0].verdict, judged[1].verdict] += 1
        flagged = [set(judgement.labels) for judgement in judged]
        labels.update((label, label in flagged[0], label in flagged[1]) for label in flagged[0] | flagged[1])
        made = min(scoring.created for scoring, _ in pair)
        since = made if since is None else min(since, made)
    return _counted(verdicts, labels, list(dict.fromkeys([*old.labels, *new.labels])), since)


def as_json(old: ModelVersion, new: ModelVersion) -> dict[str, Any]:
    """Return the whole comparison as JSON holds it."""
    told = compare_on_traffic(old, new)
    return {
        "old": str(old),
        "new": str(new),
        "thresholds": {
            pair.label: {"old": pair.old, "new": pair.new} for pair in compare_thresholds(old, new)
        },
        "validated_on": {"old": validated_on(old), "new": validated_on(new)},
        "figures": [asdict(figure) for figure in compare_figures(old, new)],
        "traffic": {
            "screenings": told.screenings,
            "since": told.since.isoformat() if told.since else None,
            "agreement": _share_as_json(told.agreement),
            "flagged": [_share_as_json(share) for share in told.flagged or ()],
            "held": [_share_as_json(share) for share in told.held or ()],
            "verdicts": [
                {"old": before, "new": after, "count": count}
                for (before, after), count in told.verdicts.items()
            ],
            "labels": {
                row.label: {
                    "old": _share_as_json(row.old),
                    "new": _share_as_json(row.new),
                    "only_old": row.only_old,
                    "only_new": row.only_new,
                }
                for row in told.labels
            },
        },
    }


def _share_as_json(share: Share | None) -> dict[str, float] | None:
    if share is None:
        return None
    return {**asdict(share), "value": share.value, "low": share.low, "high": share.high}


def _counted(
    verdicts: Counter[tuple[str, str]],
    labels: Counter[tuple[str, bool, bool]],
    names: Sequence[str],
    since: datetime | None,
) -> OnTraffic:
    total = sum(verdicts.values())

    def share(of: int, among: frozenset[str]) -> Share:
        return Share(sum(count for pair, count in verdicts.items() if pair[of] in among), total)

    over, held = frozenset(verdict for pair in verdicts for verdict in pair) - {CLEAR}, frozenset([HELD])
    return OnTraffic(
        screenings=total,
        since=since,
        agreement=Share(sum(count for (before, after), count in verdicts.items() if before == after), total),
        flagged=(share(0, over), share(1, over)),
        held=(share(0, held), share(1, held)),
        verdicts=dict(verdicts.most_common()),
        labels=[_of_label(label, labels, total) for label in names],
    )


def _of_label(label: str, counts: Counter[tuple[str, bool, bool]], total: int) -> OfLabel:
    both, only_old, only_new = (
        counts[label, *flags] for flags in ((True, True), (True, False), (False, True))
    )
    return OfLabel(label, Share(both + only_old, total), Share(both + only_new, total), only_old, only_new)


def _scored_by_both(old: ModelVersion, new: ModelVersion) -> list[int]:
    """Read the ids of the latest screenings that both have scored, the newest first."""
    keys = [
        set(
            Scoring.objects.filter(model_version=version)
            .order_by("-id")
            .values_list("screening_id", flat=True)[:LOOKED_THROUGH]
        )
        for version in (old, new)
    ]
    return sorted(keys[0] & keys[1], reverse=True)[:MOST]


def _pairs(
    keys: Sequence[int], old: ModelVersion, new: ModelVersion
) -> Iterator[tuple[tuple[Scoring, Thresholds], tuple[Scoring, Thresholds]]]:
    """Yield for each screening what the old and the new version said, each with the thresholds in force."""
    in_force: dict[tuple[int | None, int], Thresholds] = {}
    for start in range(0, len(keys), _IDS_IN_A_QUERY):
        rows = (
            Scoring.objects.filter(
                model_version__in=(old, new), screening_id__in=keys[start : start + _IDS_IN_A_QUERY]
            )
            .select_related("screening__content_type")
            .defer("screening__text")
            .order_by("is_basis", "id")
        )
        latest = {(row.screening_id, row.model_version_id): row for row in rows}
        for key in keys[start : start + _IDS_IN_A_QUERY]:
            pair = [latest.get((key, version.pk)) for version in (old, new)]
            if pair[0] is None or pair[1] is None:
                continue  # a screening that went meanwhile
            kind = pair[0].screening.content_type_id
            for version in (old, new):
                if (kind, version.pk) not in in_force:
                    in_force[kind, version.pk] = thresholds_for(pair[0].screening, version)[0]
            yield (pair[0], in_force[kind, old.pk]), (pair[1], in_force[kind, new.pk])


def mean_average_precision(version: ModelVersion) -> Measured | None:
    """Return the mean over the labels on the rows that the version was validated on; None: not measured."""
    return _figures(version).get(("", "average_precision"))


def _figures(version: ModelVersion) -> dict[tuple[str, str], Measured]:
    """{(label, name of the figure): its value}; a label of "" stands for the mean of the labels."""
    validation = version.metrics.get("validation") or {}
    macro = {**(validation.get("macro") or {}), **(validation.get("macro_intervals") or {})}
    found = {}
    for label, figures in {"": macro, **(validation.get("labels") or {})}.items():
        for name in FIGURES:
            measured = _measured(figures.get(name) if isinstance(figures, Mapping) else None)
            if measured is not None:
                found[str(label), name] = measured
    return found


def _measured(stored: Any) -> Measured | None:
    """Read a figure as a manifest has it: a number, or one with its interval."""
    value, low, high = stored, None, None
    if isinstance(stored, Mapping):
        value, low, high = (stored.get(key) for key in ("value", "low", "high"))
    return Measured(float(value), low, high) if isinstance(value, int | float) else None
