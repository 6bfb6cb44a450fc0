"""How often a label would be recorded as true, and be false, when a moderator upholds a flag, by rule.

*Uphold* says that something is wrong with a comment, not what. Which labels may be taken for true then is a
rule over the scores. This scores labelled comments with a model version, takes those that it flags and that
have a true label, as a careful moderator upholds no others, and applies each rule to them.

    python benchmarks/uphold.py --rows FILE [FILE ...] [--patterns FILE] [--model DIR] [--json]

The files are CSV (also .gz) with a column of the text and one for each label. With --patterns, a CSV of how
often each combination of labels occurs, each comment counts as often as its combination occurs in nature.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import command_line
from toxicity_ml import Classifier
from toxicity_ml.corpora import natural_weights, read

HOLD_AT = 0.9
"""As `MODERATION["HOLD_AT"]` is where a site says nothing."""
Scores = Mapping[str, float]
Rule = Callable[[Scores, Scores], set[str]]
"""(scores, flag thresholds) to the labels that are recorded as true."""


@dataclass
class Count:
    """Weighted counts of one rule."""

    recorded: dict[str, float] = field(default_factory=dict)
    """{label: comments of which it is recorded as true}."""
    wrong: dict[str, float] = field(default_factory=dict)
    """{label: those of them of which it is false}."""
    upheld: float = 0.0
    without: float = 0.0
    """Upheld comments of which nothing is recorded."""

    def add(self, labels: set[str], truth: Mapping[str, bool], weight: float) -> None:
        """Count one upheld comment."""
        self.upheld += weight
        self.without += weight * (not labels)
        for label in labels:
            self.recorded[label] = self.recorded.get(label, 0.0) + weight
            self.wrong[label] = self.wrong.get(label, 0.0) + weight * (not truth[label])


def over(scores: Scores, flag: Scores) -> set[str]:
    """The labels at or over their flag threshold."""
    return {label for label, score in scores.items() if score >= flag.get(label, 2.0)}


def highest(scores: Scores, flag: Scores) -> set[str]:
    """The label with the highest score among those over their flag threshold."""
    labels = over(scores, flag)
    return {max(labels, key=lambda label: scores[label])} if labels else set()


def farthest(scores: Scores, flag: Scores) -> set[str]:
    """The label that is farthest over its flag threshold."""
    labels = over(scores, flag)
    return {max(labels, key=lambda label: scores[label] - flag[label])} if labels else set()


def from_probability(least: float, *, or_highest: bool) -> Rule:
    """Make the rule: the labels over their threshold that are at least so probable; perhaps the highest."""

    def rule(scores: Scores, flag: Scores) -> set[str]:
        plain = {label for label in over(scores, flag) if scores[label] >= least}
        return plain | highest(scores, flag) if or_highest else plain

    return rule


def with_margin(margin: float) -> Rule:
    """Make the rule: the labels that are so far over their flag threshold, and the highest."""

    def rule(scores: Scores, flag: Scores) -> set[str]:
        plain = {label for label in over(scores, flag) if scores[label] >= flag[label] + margin}
        return plain | highest(scores, flag)

    return rule


RULES: Mapping[str, Rule] = {
    "all over flag": over,
    "the highest alone": highest,
    "the farthest over flag alone": farthest,
    "flag + 0.1, or the highest": with_margin(0.1),
    "flag + 0.2, or the highest": with_margin(0.2),
    "flag + 0.3, or the highest": with_margin(0.3),
    "from 0.5, or the highest": from_probability(0.5, or_highest=True),
    "from 0.7, or the highest": from_probability(0.7, or_highest=True),
    "from 0.8, or the highest": from_probability(0.8, or_highest=True),
    f"from {HOLD_AT} (hold), or the highest": from_probability(HOLD_AT, or_highest=True),
    "from 0.5": from_probability(0.5, or_highest=False),
    "from 0.7": from_probability(0.7, or_highest=False),
    "from 0.8": from_probability(0.8, or_highest=False),
    f"from {HOLD_AT} (hold)": from_probability(HOLD_AT, or_highest=False),
}


def main() -> int:
    """Print a table, or JSON with --json."""
    args = _arguments()
    classifier = Classifier.load(args.model) if args.model else Classifier.load()
    rows = read(args.rows, labels=classifier.labels)
    weights = natural_weights([row["labels"] for row in rows], args.patterns) if args.patterns else None
    flagged, counts = _counted(classifier, rows, weights or [1.0] * len(rows))
    report = {
        "rows": [path.name for path in args.rows],
        "comments": len(rows),
        "flagged_and_toxic": flagged,
        "rules": {name: _figures(count) for name, count in counts.items()},
        "machine": command_line.machine(),
    }
    if args.json:
        command_line.print_json(report)
    else:
        _print(report, classifier.labels)
    return 0


def _counted(
    classifier: Classifier, rows: Sequence[Mapping[str, Any]], weights: Sequence[float]
) -> tuple[int, dict[str, Count]]:
    """Return how many comments a careful moderator would uphold, and what each rule records of them."""
    counts = {name: Count() for name in RULES}
    all_scores = classifier.predict([row["text"] for row in rows], progress=sys.stderr.isatty())
    upheld = 0
    for row, scores, weight in zip(rows, all_scores, weights, strict=True):
        truth = {label: value >= 0.5 for label, value in zip(classifier.labels, row["labels"], strict=True)}
        if not any(truth.values()) or not over(scores, classifier.thresholds):
            continue
        upheld += 1
        for name, rule in RULES.items():
            counts[name].add(rule(scores, classifier.thresholds), truth, weight)
    return upheld, counts


def _figures(count: Count) -> dict[str, Any]:
    """Shares from weighted counts; None where nothing is recorded."""
    recorded, wrong = sum(count.recorded.values()), sum(count.wrong.values())
    return {
        "labels_a_comment": recorded / count.upheld if count.upheld else None,
        "without_a_label": count.without / count.upheld if count.upheld else None,
        "wrong": wrong / recorded if recorded else None,
        "wrong_by_label": {
            label: count.wrong[label] / number for label, number in count.recorded.items() if number
        },
        "recorded_by_label": dict(count.recorded),
    }


def _print(report: Mapping[str, Any], labels: Sequence[str]) -> None:
    def share(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f} %"

    command_line.print_table(
        f"Labels recorded as true of {report['flagged_and_toxic']} upheld comments",
        ["rule", "labels", "none", "wrong", *labels],
        [
            [
                name,
                f"{figures['labels_a_comment'] or 0:.2f}",
                share(figures["without_a_label"]),
                share(figures["wrong"]),
                *(share(figures["wrong_by_label"].get(label)) for label in labels),
            ]
            for name, figures in report["rules"].items()
        ],
    )
    command_line.print_machine(report["machine"])


def _arguments() -> argparse.Namespace:
    made = command_line.parser(__doc__)
    made.add_argument("--rows", type=Path, nargs="+", required=True, metavar="FILE", help="labelled comments")
    made.add_argument("--patterns", type=Path, metavar="FILE", help="how often each combination occurs")
    made.add_argument("--model", type=Path, metavar="DIR", help="version (default: the packaged one)")
    return made.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
