"""The guards: figures that a candidate must not make worse by more than an allowance each.

Numbers in, guards out. What is measured on fixed texts of our own is held to its allowance as it stands.
What is measured on the site's reviewed comments rests on few of them: there a guard fails where the figure
is over its allowance and the harm is shown, with the lower end of its 95 % interval beyond no change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from moderation.retraining.gate import resamples
from moderation.retraining.gate.evidence import Evidence
from moderation.retraining.gate.resamples import Array, Texts
from moderation.retraining.gate.verdict import Guard

AVERAGE_PRECISION, AVERAGE_PRECISION_BASE = "average_precision", "average_precision_base"
FALSE_POSITIVES, CALIBRATION, REPORTED = "false_positives", "calibration", "reported"
IDENTITY, DISGUISES, REHEARSED, LATENCY = "identity", "disguises", "rehearsed", "latency"
FLAG_RATE, HOLD_RATE = "flag_rate", "hold_rate"

ALLOWED_AVERAGE_PRECISION = 0.005
ALLOWED_FALSE_POSITIVES = 2.0
"""Wrongly flagged comments more of each 1,000."""
ALLOWED_MISCALIBRATION = 1.25
"""Factor by which predicted over observed, of what is flagged, may lie further from 1."""
MIN_FLAGGED = 10
"""Flagged items that predicted over observed needs, of either model."""
ALLOWED_REPORTED = 0.02
ALLOWED_IDENTITY = 0.02
ALLOWED_DISGUISES = 0.02
ALLOWED_REHEARSED = 0.2
"""Of the plainly toxic texts, not from the site, that the active version flags: reviews of false positives
alone would also be satisfied by a model that flags nothing any more."""
ALLOWED_LATENCY = 1.2
ALLOWED_RATE = 0.25
"""Change of the flag or hold rate from which a person has to say that it is meant."""
FEWEST_CHANGED = 5
"""Comments of the sample by which a rate has to change at least: one of two held ones is no half."""
MIN_POSITIVES = 20
"""Positives that a label's average precision needs."""
RESAMPLES = 1000


def of_reviewed(evidence: Evidence) -> list[Guard]:
    """Return the guards that are measured on the reviewed comments of the test side."""
    return [
        average_precision(evidence),
        false_positives(evidence),
        calibration(evidence),
        reported(evidence),
    ]


def average_precision(evidence: Evidence) -> Guard:
    """Compare the mean average precision over the labels with MIN_POSITIVES, weighted to the site."""
    drawn = evidence.drawn
    columns = [
        place
        for place in range(drawn.truth.shape[1])
        if (drawn.truth[:, place] >= 0.5).sum() >= MIN_POSITIVES and (drawn.truth[:, place] < 0.5).any()
    ]
    if not columns:
        return unmeasured(AVERAGE_PRECISION, ALLOWED_AVERAGE_PRECISION)
    weightings = _weightings(drawn.weights, drawn.texts)
    old, new = (
        np.mean([_average_precision(drawn.truth[:, at], scores[:, at], weightings) for at in columns], axis=0)
        for scores in (drawn.old, drawn.new)
    )
    return _sampled(AVERAGE_PRECISION, old, new, ALLOWED_AVERAGE_PRECISION, items=len(drawn.truth))


def false_positives(evidence: Evidence) -> Guard:
    """Compare how many of 1,000 comments of the site are flagged though no label is true."""
    drawn = evidence.drawn
    known = ~np.isnan(drawn.any_true)
    if not known.any():
        return unmeasured(FALSE_POSITIVES, ALLOWED_FALSE_POSITIVES)
    is_harmless = drawn.any_true[known] < 0.5
    columns = np.stack(
        [
            1000 * drawn.weights[known] * (is_harmless & drawn.flagged_by_old[known]),
            1000 * drawn.weights[known] * (is_harmless & drawn.flagged_by_new[known]),
            drawn.weights[known],
        ],
        axis=1,
    )
    sums = _sums(columns, drawn.texts[known])
    return _sampled(
        FALSE_POSITIVES,
        sums[:, 0] / sums[:, 2],
        sums[:, 1] / sums[:, 2],
        ALLOWED_FALSE_POSITIVES,
        items=int(known.sum()),
        higher_is_better=False,
    )


def calibration(evidence: Evidence) -> Guard:
    """Compare predicted over observed toxicity of what each model flags, by its distance from 1.

    Over all comments the false alarms of one model would make up for what it misses, and look calibrated.
    """
    drawn = evidence.drawn
    known = ~np.isnan(drawn.any_true)
    columns = []
    for scores, flagged in ((drawn.old, drawn.flagged_by_old), (drawn.new, drawn.flagged_by_new)):
        chosen = known & flagged
        if chosen.sum() < MIN_FLAGGED or not drawn.any_true[chosen].any():
            return unmeasured(CALIBRATION, ALLOWED_MISCALIBRATION, is_ratio=True)
        columns += [np.where(chosen, drawn.weights * scores.max(axis=1), 0.0)]
        columns += [np.where(chosen, drawn.weights * np.nan_to_num(drawn.any_true), 0.0)]
    sums = _sums(np.stack(columns, axis=1), drawn.texts)
    with np.errstate(divide="ignore", invalid="ignore"):
        old, new = sums[:, 0] / sums[:, 1], sums[:, 2] / sums[:, 3]
        further = np.abs(np.log(new)) - np.abs(np.log(old))
    low, high = resamples.interval(further[1:])
    return Guard(
        CALIBRATION,
        float(old[0]),
        float(new[0]),
        ALLOWED_MISCALIBRATION,
        passed=not (further[0] > math.log(ALLOWED_MISCALIBRATION) and low > 0),
        items=int(known.sum()),
        low=math.exp(low),
        high=math.exp(high),
        is_ratio=True,
    )


def reported(evidence: Evidence) -> Guard:
    """Compare how many of the reported texts that people found toxic are flagged; unweighted."""
    chosen = evidence.is_reported & (np.nan_to_num(evidence.any_true) >= 0.5)
    if not chosen.any():
        return unmeasured(REPORTED, ALLOWED_REPORTED)
    flags = np.stack([evidence.flagged_by_old, evidence.flagged_by_new], axis=1)[chosen]
    columns = np.concatenate([flags, np.ones((len(flags), 1))], axis=1).astype(np.float64)
    sums = _sums(columns, evidence.texts[chosen])
    return _sampled(
        REPORTED, sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2], ALLOWED_REPORTED, items=int(chosen.sum())
    )


def on_base(report: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Guard:
    """Compare the mean average precision on the rows given as base; report: {"old" | "new": {label: ...}}."""
    if not report:
        return unmeasured(AVERAGE_PRECISION_BASE, ALLOWED_AVERAGE_PRECISION)
    pairs = [
        (figures["average_precision"], report["new"].get(label, {}).get("average_precision"))
        for label, figures in report["old"].items()
    ]
    both = [(old, new) for old, new in pairs if old is not None and new is not None]
    if not both:
        return unmeasured(AVERAGE_PRECISION_BASE, ALLOWED_AVERAGE_PRECISION)
    old, new = (float(np.mean(column)) for column in zip(*both, strict=True))
    return fixed(AVERAGE_PRECISION_BASE, old, new, ALLOWED_AVERAGE_PRECISION, items=len(both))


def fixed(
    name: str,
    old: float,
    new: float,
    allowance: float,
    *,
    items: int,
    higher_is_better: bool = True,
) -> Guard:
    """Hold a figure of fixed texts to its allowance."""
    worse = old - new if higher_is_better else new - old
    return Guard(
        name,
        old,
        new,
        allowance,
        passed=worse <= allowance + 1e-9,
        items=items,
        higher_is_better=higher_is_better,
    )


def ratio(name: str, old: float, new: float, allowance: float, *, items: int) -> Guard:
    """Hold `new` over `old`, of a figure that is better when lower, to the allowed factor."""
    passed = new <= allowance * old
    return Guard(name, old, new, allowance, passed, items=items, is_ratio=True, higher_is_better=False)


def rate(name: str, old: int, new: int, items: int) -> Guard:
    """Hold the change of a rate to ALLOWED_RATE either way. old, new: comments, of as many as `items`."""
    if not items:
        return unmeasured(name, ALLOWED_RATE, is_ratio=True)
    change = abs(new - old)
    passed = change < FEWEST_CHANGED or change <= ALLOWED_RATE * old
    return Guard(name, old / items, new / items, ALLOWED_RATE, passed, items=items, is_ratio=True)


def _sampled(
    name: str,
    old: Array,
    new: Array,
    allowance: float,
    *,
    items: int,
    higher_is_better: bool = True,
) -> Guard:
    """Make a guard of two figures, each the value and then its resamples, paired."""
    if not (np.isfinite(old[0]) and np.isfinite(new[0])):
        return unmeasured(name, allowance)
    difference = new - old
    low, high = resamples.interval(difference[1:])
    worse, least = (-difference[0], -high) if higher_is_better else (difference[0], low)
    return Guard(
        name,
        float(old[0]),
        float(new[0]),
        allowance,
        passed=not (worse > allowance and least > 0),
        items=items,
        low=low,
        high=high,
        higher_is_better=higher_is_better,
    )


def unmeasured(name: str, allowance: float, *, is_ratio: bool = False) -> Guard:
    """Make a guard for which there were no texts; it passes."""
    return Guard(name, None, None, allowance, passed=True, is_ratio=is_ratio)


def _sums(columns: Array, texts: Texts) -> Array:
    """Return the sums of the columns, then those of each resample: (1 + RESAMPLES, m)."""
    return np.concatenate([columns.sum(axis=0)[None, :], *resamples.sums(columns, texts, RESAMPLES)])


def _weightings(weights: Array, texts: Texts) -> Array:
    """Return the items' weights, then those of each resample of texts: (1 + RESAMPLES, n_items)."""
    _, number = np.unique(texts, return_inverse=True)
    count = int(number.max()) + 1
    generator = np.random.default_rng(20)
    drawn = generator.integers(0, count, (RESAMPLES, count))
    times = np.stack([np.bincount(one, minlength=count) for one in drawn])
    return np.concatenate([weights[None, :], times[:, number] * weights])


def _average_precision(truth: Array, scores: Array, weightings: Array) -> Array:
    """Return the average precision of one label under each weighting; items not looked at are left out."""
    from toxicity_ml.evaluation.metrics import ranking_metrics

    known = ~np.isnan(truth)
    _, average = ranking_metrics(truth[known] >= 0.5, scores[known], weightings[:, known])
    return np.asarray(average, dtype=np.float64)


def worst(guards: Sequence[Guard]) -> list[Guard]:
    """Return the guards that a candidate did not pass, but for the rates, which a person may overrule."""
    return [guard for guard in guards if not guard.passed and guard.name not in (FLAG_RATE, HOLD_RATE)]
