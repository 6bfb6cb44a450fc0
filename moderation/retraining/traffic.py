"""Draws comments of the site at random, and says how a candidate would treat them otherwise.

From these come the flag and hold rates under the policies in force, and the comments that change most. Only
ids and scores leave this module: pages read the texts when they are shown.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from moderation import policies
from moderation.models import ModelVersion, Screening
from moderation.retraining import splitting
from moderation.retraining.gate import guards
from moderation.retraining.gate.verdict import Guard
from moderation.screening import judging
from moderation.visibility import means

COMMENTS = 1000
CHANGES = 20
"""Comments that are named in each direction."""


@dataclass(frozen=True)
class Change:
    """One comment of which the candidate says something else."""

    screening: int
    label: str
    """Of which the score changes most."""
    old: float
    new: float
    was: str
    """`clear`, `flagged` or `held`, by the policy in force."""
    will_be: str


@dataclass(frozen=True)
class Treatment:
    """How old and new treat the drawn comments."""

    comments: int
    guards: tuple[Guard, ...]
    """Flag rate and hold rate."""
    up: tuple[Change, ...]
    """Those whose score rises most, the largest change first."""
    down: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return what changes as JSON holds it."""
        return {
            "comments": self.comments,
            "up": [asdict(change) for change in self.up],
            "down": [asdict(change) for change in self.down],
        }


def drawn(count: int = COMMENTS, *, seed: int, rotation: int = 0) -> list[Screening]:
    """Draw at most `count` current comments of the test side, reviewed or not; with their texts.

    Keys are hashes, so a run of neighbours in their order is a random sample, and the index finds it.
    """
    start = random.Random(seed).random()  # noqa: S311 - a sample, not a secret
    comments = (
        Screening.objects.with_verdict()
        .of_the_site()
        .exclude(verdict=Screening.Verdict.UNJUDGED)
        .filter(is_current=True, blanked=None)
        .exclude(text="")
        .order_by("text_key")
    )
    chosen: list[int] = []
    for low, high in splitting.ranges(splitting.TEST, start, rotation):
        part = comments.filter(text_key__gte=low, text_key__lt=high)
        chosen += part.values_list("pk", flat=True)[: count - len(chosen)]
    return [
        row
        for at in range(0, len(chosen), 500)
        for row in Screening.objects.filter(pk__in=chosen[at : at + 500]).order_by("pk")
    ]


def treatment(
    rows: Sequence[Screening], old: Any, new: Any, versions: tuple[ModelVersion, ModelVersion]
) -> Treatment:
    """Judge the rows with both classifiers by the policies in force. versions: the rows of old and new."""
    if not rows:
        nothing = tuple(guards.rate(name, 0, 0, 0) for name in (guards.FLAG_RATE, guards.HOLD_RATE))
        return Treatment(0, nothing, (), ())
    verdicts: list[list[str]] = []
    scores: list[list[dict[str, float]]] = []
    texts = [row.text for row in rows]
    for model, version in zip((old, new), versions, strict=True):
        scores.append(model.predict(texts))
        verdicts.append(_verdicts(rows, scores[-1], version))
    changes = [
        Change(row.pk, *_largest(before, after), was, will_be)
        for row, before, after, was, will_be in zip(rows, *scores, *verdicts, strict=True)
    ]
    counted = [
        [[verdict in wanted for verdict in of_version].count(True) for of_version in verdicts]
        for wanted in ((policies.FLAGGED, policies.HELD), (policies.HELD,))
    ]
    names = (guards.FLAG_RATE, guards.HOLD_RATE)
    return Treatment(
        len(rows),
        tuple(
            guards.rate(name, before, after, len(rows))
            for name, (before, after) in zip(names, counted, strict=True)
        ),
        _most([change for change in changes if change.new > change.old]),
        _most([change for change in changes if change.new < change.old]),
    )


def _verdicts(
    rows: Sequence[Screening], scores: Sequence[dict[str, float]], version: ModelVersion
) -> list[str]:
    in_force: dict[int | None, policies.Thresholds] = {}
    verdicts = []
    for row, of_row in zip(rows, scores, strict=True):
        if row.content_type_id not in in_force:
            entry = means.registration(row)
            in_force[row.content_type_id] = judging.thresholds_of(entry, version)[0]
        verdicts.append(policies.judge(of_row, in_force[row.content_type_id]).verdict)
    return verdicts


def _largest(before: dict[str, float], after: dict[str, float]) -> tuple[str, float, float]:
    """Return the label whose score changes most, with its old and new score."""
    label = max(before, key=lambda name: abs(after.get(name, 0.0) - before[name]))
    return label, round(before[label], 4), round(after.get(label, 0.0), 4)


def _most(changes: list[Change]) -> tuple[Change, ...]:
    """Return the largest changes; a comment that crosses a threshold stands before one that does not."""
    return tuple(
        sorted(changes, key=lambda change: (change.was == change.will_be, -abs(change.new - change.old)))[
            :CHANGES
        ]
    )
