"""Counts in a trial how often the two versions agree: what `ShadowTrial.counts` holds. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from moderation import policies
from moderation.policies import Judgement

BOTH, ACTIVE, CANDIDATE, NEITHER = "both", "active", "candidate", "neither"
"""Who flags: a cell of the two-by-two table."""


def cell(by_active: bool, by_candidate: bool) -> str:
    """Return the cell of a comment that the active version, the candidate, both or neither flag."""
    if by_active:
        return BOTH if by_candidate else ACTIVE
    return CANDIDATE if by_candidate else NEITHER


def _empty() -> dict[str, int]:
    return dict.fromkeys((BOTH, ACTIVE, CANDIDATE, NEITHER), 0)


@dataclass
class Counts:
    """How the two versions judged the comments of a trial, each at its own thresholds."""

    flagged: dict[str, int] = field(default_factory=_empty)
    """{cell: comments}, by who flags or holds."""
    held: dict[str, int] = field(default_factory=_empty)
    """{cell: comments}, by who holds."""
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    """{label: {cell: comments}}, by whose threshold the label is at or over."""
    drawn: int = 0
    """Comments that came into the queue as disagreements."""
    passed: int = 0
    """Comments in languages that the candidate was not made for: not scored."""
    failures: int = 0
    """Comments that the candidate could not score."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Counts:
        """Read what a trial has stored; an empty mapping is a trial that has just begun."""
        return cls(**stored)

    @property
    def scored(self) -> int:
        """Return how many comments both versions have judged."""
        return sum(self.flagged.values())

    def add(self, active: Judgement, candidate: Judgement, labels: Iterable[str]) -> str:
        """Count one comment and return its cell. labels: those that either version knows."""
        flags = cell(active.verdict != policies.CLEAR, candidate.verdict != policies.CLEAR)
        self.flagged[flags] += 1
        self.held[cell(active.verdict == policies.HELD, candidate.verdict == policies.HELD)] += 1
        for label in labels:
            counts = self.labels.setdefault(label, _empty())
            counts[cell(label in active.labels, label in candidate.labels)] += 1
        return flags

    def as_stored(self) -> dict[str, Any]:
        """Return the counts as JSON holds them."""
        return asdict(self)
