"""What the gate says of a candidate: the verdict, why, and each guard with its allowance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BETTER = "better"
NOT_BETTER = "not_better"
NOT_ENOUGH_EVIDENCE = "not_enough_evidence"

TOO_FEW = "too_few"
"""Reason: the test side has too few reviewed comments, or too few that came up at random."""
ONE_ANSWER = "one_answer"
"""Reason: every decision on the test side says the same, so nobody knows what the candidate tells apart."""
LIKE_CHANCE = "like_chance"
"""Reason: decisions made by chance would be ranked as well as these."""
NO_GAIN = "no_gain"
"""Reason: it is not shown to err less."""
TOO_SMALL = "too_small"
"""Reason: it errs less, by what nobody would notice."""
BASE_RATES = "base_rates"
"""Reason: it learned how often people say yes, and nothing of texts: with both calibrated alike no gain is
left. Other thresholds for the active version do the same."""
GUARD = "guard:"
"""Reason, before a guard's name: that figure got worse by more than its allowance."""


@dataclass(frozen=True)
class Guard:
    """One figure that a candidate must not make worse by more than an allowance."""

    name: str
    """A code such as ``false_positives``; pages have the words for it."""
    old: float | None
    new: float | None
    allowance: float
    """By how much `new` may be worse than `old`: absolute, or a factor where `is_ratio`."""
    passed: bool
    """True where `new` is within the allowance, or where nothing could be measured."""
    items: int = 0
    """Texts on which it was measured."""
    low: float | None = None
    """Of new - old, the 95 % interval; None where there is none."""
    high: float | None = None
    is_ratio: bool = False
    higher_is_better: bool = True

    @property
    def is_measured(self) -> bool:
        """True where there were texts to measure it on."""
        return self.old is not None and self.new is not None


@dataclass(frozen=True)
class Verdict:
    """The gate's answer, as `TrainingRun.comparison` keeps it."""

    result: str
    """``better``, ``not_better`` or ``not_enough_evidence``."""
    reasons: tuple[str, ...] = ()
    """Codes of what stands against the candidate, the weightiest first; empty where it is better."""
    guards: tuple[Guard, ...] = ()
    needs_force: bool = False
    """True where it flags or holds so much more or less that only a person may activate it."""
    comparisons: int = 1
    """Candidates compared on this test share, this one among them."""
    smallest: float | None = None
    """The smallest gain of the Brier score that this much evidence would show in 8 of 10 cases."""
    chance: float | None = None
    """Probability that decisions made by chance are ranked as well as these; None: not tested."""
    gain_of_ranking: float | None = None
    """How much less the candidate errs once both are calibrated alike: what it learned beyond base rates."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Verdict:
        """Read it from `as_dict`, ignoring what an earlier or later release knows besides."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        guards = tuple(
            Guard(**{name: guard[name] for name in Guard.__dataclass_fields__ if name in guard})
            for guard in stored.get("guards", ())
        )
        return cls(**{**known, "reasons": tuple(stored.get("reasons", ())), "guards": guards})
