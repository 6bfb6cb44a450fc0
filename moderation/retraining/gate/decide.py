"""Decides whether a candidate is better than the active version: the primary figure, two proofs, the guards.

The primary figure alone would let everything pass that learned how often people say yes, fully shuffled
decisions among it: see `moderation.retraining.gate.ranking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from moderation.retraining.gate import guards as guarding
from moderation.retraining.gate import ranking
from moderation.retraining.gate.comparison import MIN_GAIN, Comparison, brier, compare, upper_bound
from moderation.retraining.gate.evidence import Evidence
from moderation.retraining.gate.verdict import (
    BASE_RATES,
    BETTER,
    GUARD,
    LIKE_CHANCE,
    NO_GAIN,
    NOT_BETTER,
    NOT_ENOUGH_EVIDENCE,
    ONE_ANSWER,
    TOO_FEW,
    TOO_SMALL,
    Guard,
    Verdict,
)

CHANCE_LEVEL = 0.01
"""How often decisions made by chance may be ranked as well as the candidate ranks these."""
RANKING_LEVEL = 0.1
"""One-sided, of the gain that is left after both are calibrated alike. It is asked of candidates whose
primary figure has passed already, so it needs to tell a gain from none, and no more."""
POWER = 0.8


def decide(
    evidence: Evidence, guards: Sequence[Guard] = (), *, earlier_comparisons: int = 0
) -> tuple[Comparison, Verdict]:
    """Return the primary figure and the verdict.

    guards: those that were measured on other texts; the ones of the reviewed comments are added.
    earlier_comparisons: candidates that were compared on this test share before.
    """
    drawn = evidence.drawn
    comparison = primary(drawn, earlier_comparisons=earlier_comparisons)
    chance = gain = bound = None
    if comparison.items:
        chance = ranking.chance_of_ranking(drawn.any_true, drawn.new.max(axis=1), drawn.texts)
        gain, bound = gain_of_ranking(drawn)
    every = [*(guarding.of_reviewed(evidence) if comparison.items else ()), *guards]
    reasons = _reasons(comparison, chance, bound, every)
    return comparison, Verdict(
        result=_result(comparison, reasons),
        reasons=tuple(reasons),
        guards=tuple(every),
        needs_force=any(
            not guard.passed for guard in every if guard.name in (guarding.FLAG_RATE, guarding.HOLD_RATE)
        ),
        comparisons=earlier_comparisons + 1,
        smallest=smallest_gain(comparison),
        chance=chance,
        gain_of_ranking=gain,
    )


def primary(drawn: Evidence, *, earlier_comparisons: int = 0) -> Comparison:
    """Compare both models on items that stand for others, by the primary figure alone."""
    return compare(
        drawn.truth,
        drawn.old,
        drawn.new,
        [given or 1.0 for given in drawn.probabilities],
        old_thresholds=drawn.old_thresholds,
        new_thresholds=drawn.new_thresholds,
        is_random=drawn.is_random,
        text_keys=drawn.text_keys,
        earlier_comparisons=earlier_comparisons,
    )


def gain_of_ranking(drawn: Evidence) -> tuple[float, float]:
    """Return how much less the candidate errs once both are calibrated alike, and the bound of -that.

    The bound is one-sided, at RANKING_LEVEL; below 0 there is a gain.
    """
    usable = ~np.isnan(drawn.truth).all(axis=1)
    truth, weights, texts = drawn.truth[usable], drawn.weights[usable], drawn.texts[usable]
    old, new = (
        brier(truth, ranking.recalibrated(truth, scores[usable], weights))
        for scores in (drawn.old, drawn.new)
    )
    bound = upper_bound(new - old, weights, texts, RANKING_LEVEL)
    return float(np.average(old - new, weights=weights)), bound


def smallest_gain(comparison: Comparison) -> float | None:
    """Return the smallest gain of the Brier score that such evidence would show with probability POWER.

    The bound lies some way above the estimate; a gain has to be as large as that, and by as much larger as
    the estimate falls short of it in one of five samples (Bloom 1995).
    """
    if comparison.upper_bound is None or comparison.spread is None or comparison.difference is None:
        return None
    above = comparison.upper_bound - comparison.difference
    return max(MIN_GAIN, above + NormalDist().inv_cdf(POWER) * comparison.spread)


def _reasons(
    comparison: Comparison, chance: float | None, bound: float | None, guards: Sequence[Guard]
) -> list[str]:
    if comparison.verdict == NOT_ENOUGH_EVIDENCE:
        return [TOO_FEW]
    reasons = []
    if chance is None:
        reasons.append(ONE_ANSWER)
    elif chance >= CHANCE_LEVEL:
        reasons.append(LIKE_CHANCE)
    if comparison.verdict != BETTER:
        is_shown = comparison.upper_bound is not None and comparison.upper_bound < 0
        reasons.append(TOO_SMALL if is_shown else NO_GAIN)
    elif bound is not None and bound >= 0 and not reasons:
        reasons.append(BASE_RATES)
    return reasons + [f"{GUARD}{guard.name}" for guard in guarding.worst(guards)]


def _result(comparison: Comparison, reasons: Sequence[str]) -> str:
    if comparison.verdict == NOT_ENOUGH_EVIDENCE:
        return NOT_ENOUGH_EVIDENCE
    return NOT_BETTER if reasons else BETTER
