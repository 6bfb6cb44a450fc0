"""Scores to verdict: pure functions. `moderation.screening.judging` says which thresholds are in force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

CLEAR, FLAGGED, HELD, UNJUDGED = "clear", "flagged", "held", "unjudged"


@dataclass(frozen=True)
class Thresholds:
    """From which score on a label flags a comment, and from which it holds it."""

    flag: Mapping[str, float]
    """{label: p}. A label without one never counts."""
    hold: Mapping[str, float] = field(default_factory=dict)
    """{label: p}. A label without one never holds; one below its flag threshold holds from there on."""


@dataclass(frozen=True)
class Judgement:
    """What policy makes of one text's scores."""

    verdict: str
    """CLEAR, FLAGGED, HELD, or UNJUDGED where there are no scores."""
    severity: float
    """Largest of score minus flag threshold over the labels, -1 to 1; 0 where no label counts."""
    labels: tuple[str, ...]
    """Labels at or over their flag threshold, in the order of the scores."""
    is_for_author: bool = False
    """True where it is hidden for its author alone: by the scores it would not be."""


NOT_JUDGED = Judgement(UNJUDGED, 0.0, ())
"""What is made of a text that was not scored."""


def judge(scores: Mapping[str, float], policy: Thresholds) -> Judgement:
    """Apply `policy` to {label: probability}. A score equal to a threshold is over it."""
    counted = {label: score for label, score in scores.items() if label in policy.flag}
    labels = tuple(label for label, score in counted.items() if score >= policy.flag[label])
    is_held = any(label in policy.hold and scores[label] >= policy.hold[label] for label in labels)
    severity = max((score - policy.flag[label] for label, score in counted.items()), default=0.0)
    verdict = HELD if is_held else FLAGGED if labels else CLEAR
    return Judgement(verdict, max(-1.0, min(1.0, severity)), labels)


def always_held(judgement: Judgement) -> Judgement:
    """Hold what the scores do not hold, for its author; a text that was not scored stays unjudged.

    Its place in the queue is not below that of any flagged one: it is hidden, and somebody waits.
    """
    if judgement.verdict == HELD:
        return judgement
    verdict = UNJUDGED if judgement.verdict == UNJUDGED else HELD
    return replace(judgement, verdict=verdict, severity=max(judgement.severity, 0.0), is_for_author=True)


def never_held(judgement: Judgement) -> Judgement:
    """Flag what the scores hold: it stays public until a person has looked at it."""
    return replace(judgement, verdict=FLAGGED) if judgement.verdict == HELD else judgement


def combine(
    version: Mapping[str, float],
    hold_at: float | None,
    setting: Mapping[str, Mapping[str, Any]],
    stored: Mapping[str, Mapping[str, Any]],
) -> Thresholds:
    """The thresholds in force: a stored policy before the setting before the model version's own.

    version: {label: flag threshold}. hold_at: the score from which any label holds, or None for never;
    never below the label's flag threshold. setting, stored: {label: {"flag": p, "hold": p or None}}, with
    either key left out where the next source is to decide; "flag": None means that the label never counts.
    """
    flag: dict[str, float] = {}
    hold: dict[str, float] = {}
    for label, own in version.items():
        sources = (stored.get(label, {}), setting.get(label, {}))
        flag_at = next((source["flag"] for source in sources if "flag" in source), own)
        hold_from = next((source["hold"] for source in sources if "hold" in source), hold_at)
        if flag_at is None:
            continue
        flag[label] = float(flag_at)
        if hold_from is not None:
            hold[label] = max(float(hold_from), flag[label])
    return Thresholds(flag, hold)
