"""Scores the test side with a candidate and the active version, and lets the gate decide; stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from moderation.models import ModelVersion
from moderation.retraining import probing, traffic
from moderation.retraining.gate import guards
from moderation.retraining.gate.comparison import Comparison
from moderation.retraining.gate.decide import decide, primary
from moderation.retraining.gate.evidence import Evidence
from moderation.retraining.gate.verdict import Verdict
from moderation.retraining.training_data import Row, Sides
from moderation.review import statistics

BaseReport = dict[str, dict[str, dict[str, float | None]]]
"""{"old" | "new": {label: {"average_precision", "f1"}}} on the rows given as base; else empty."""


@dataclass(frozen=True)
class Compared:
    """Everything that the comparison of a candidate gave."""

    comparison: Comparison
    verdict: Verdict
    figures: dict[str, dict[str, statistics.Figures]]
    """{"old" | "new": what `estimates.figures` says of the site, from the test side}."""
    treatment: traffic.Treatment
    base_report: BaseReport
    since_active: Comparison | None = None
    """The primary figure on what was first reviewed after the active version was made; None: that is all of
    the test side, or nothing. Neither version can have learned from decisions of that time."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as `TrainingRun.comparison` keeps it: figures, and ids of comments, no texts."""
        return {
            "test": self.comparison.as_dict(),
            "since_active": None if self.since_active is None else self.since_active.as_dict(),
            "verdict": self.verdict.as_dict(),
            "figures": self.figures,
            "changes": self.treatment.as_dict(),
            "base": self.base_report,
        }


def compare(
    old: Any,
    new: Any,
    *,
    versions: tuple[ModelVersion, ModelVersion],
    sides: Sides,
    rehearsed: Sequence[Row],
    base_report: BaseReport,
    seed: int,
) -> Compared:
    """Compare two classifiers on the test side. versions: their rows.

    rehearsed: rehearsal texts that are not learned.
    """
    evidence = gathered(old, new, sides.test)
    comments = traffic.drawn(seed=seed, rotation=sides.rotation.number)
    treated = traffic.treatment(comments, old, new, versions)
    elsewhere = [
        *treated.guards,
        guards.on_base(base_report),
        *probing.probe(old, new, [row.text for row in rehearsed]),
    ]
    comparison, verdict = decide(evidence, elsewhere, earlier_comparisons=sides.rotation.earlier)
    figures = _figures(evidence, old.labels, sides.test)
    return Compared(comparison, verdict, figures, treated, base_report, _since_active(evidence, sides))


def _since_active(evidence: Evidence, sides: Sides) -> Comparison | None:
    late = {row.review for row in sides.since_active}
    places = [place for place, row in enumerate(sides.test) if row.review in late]
    if len(places) in (0, len(sides.test)):
        return None
    found = primary(evidence.chosen(places).drawn)
    return found if found.items else None


def gathered(old: Any, new: Any, rows: Sequence[Row]) -> Evidence:
    """Score the rows with both classifiers."""
    shape = (len(rows), len(old.labels))
    texts = [row.text for row in rows]
    before, after = (model.predict_array(texts).astype(np.float64).reshape(shape) for model in (old, new))
    return Evidence(
        np.array([row.labels for row in rows], dtype=np.float64).reshape(shape),
        before,
        after,
        probabilities=[row.probability for row in rows],
        is_random=[row.is_random for row in rows],
        text_keys=[row.text_key for row in rows],
        old_thresholds=[old.thresholds[label] for label in old.labels],
        new_thresholds=[new.thresholds[label] for label in new.labels],
    )


def _figures(
    evidence: Evidence, labels: Sequence[str], rows: Sequence[Row]
) -> dict[str, dict[str, statistics.Figures]]:
    """Estimate precision and recall of both on the site."""
    reached = [row.reached_probability or row.probability or 1.0 for row in rows if row.probability]
    drawn = evidence.drawn
    sample = statistics.Sample(
        probabilities=[given or 1.0 for given in drawn.probabilities],
        reached=reached,
        is_random=drawn.is_random,
        text_keys=drawn.text_keys,
    )
    both = (("old", drawn.old, drawn.old_thresholds), ("new", drawn.new, drawn.new_thresholds))
    return {
        name: statistics.figures(drawn.truth, scores >= np.asarray(thresholds), labels, sample)
        for name, scores, thresholds in both
    }
