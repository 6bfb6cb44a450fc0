"""Refuses a training that can teach nothing, before any minute is spent: the message says what is lacking."""

from __future__ import annotations

import math
from collections.abc import Sequence

from moderation.retraining.training_data import Row, Sides
from moderation.retraining.training_process import RetrainingFailed


class Refused(RetrainingFailed):
    """Nothing was begun and nothing changed; the message says what is needed first."""


Answers = dict[str, tuple[int, int]]
"""{label: how often decisions say yes, and how often no}, each text once."""


def refuse_what_teaches_nothing(sides: Sides, labels: Sequence[str], min_reviews: int) -> None:
    """Raise Refused where there are too few decisions, or all of them say the same of every label."""
    reviewed = _texts(sides)
    counted = (
        f"There are {reviewed} reviewed texts: {len(sides.train)} to learn, {len(sides.dev)} to choose by, "
        f"{len(sides.test)} to test on."
    )
    if not reviewed:
        raise Refused(
            "nothing-reviewed",
            "There are no reviewed texts yet, so there is nothing to learn. Decide some of the queue first; "
            f"{min_reviews} are needed.",
        )
    if reviewed == 1:
        raise Refused(
            "one-review", f"One of the reviewed texts teaches nothing; {min_reviews} are needed. Review more."
        )
    if reviewed < min_reviews or not sides.train or not sides.dev:
        raise Refused(
            "too-few-reviews",
            f"{counted} {min_reviews} are needed, and some to learn and to choose by. Review more, or lower "
            "--min-reviews.",
        )
    said = answers(sides.train, labels)
    if not any(yes for yes, _ in said.values()):
        raise Refused(
            "all-harmless",
            f"{counted} Every decision says harmless: a model that learned that would flag nothing any more. "
            "Decide also what is toxic, or raise the thresholds.",
        )
    if not any(no for _, no in said.values()):
        raise Refused(
            "all-toxic",
            f"{counted} No decision says of any label that it does not fit: a model that learned that would "
            "flag everything. Decide also what is harmless; random reviews (AUDIT_RATE) bring it up.",
        )
    if not any(yes and no for yes, no in said.values()):
        raise Refused(
            "one-answer",
            f"{counted} Of no label is there both a text that it fits and one that it does not: nothing can "
            "be told apart. Relabel some items, label by label.",
        )


def answers(rows: Sequence[Row], labels: Sequence[str]) -> Answers:
    """Count of each label how many rows say yes and how many say no."""
    said = {}
    for place, label in enumerate(labels):
        values = [row.labels[place] for row in rows if not math.isnan(row.labels[place])]
        yes = sum(value >= 0.5 for value in values)
        said[label] = (yes, len(values) - yes)
    return said


def never_found(said: Answers) -> list[str]:
    """Return the labels to which nobody said yes: the candidate can learn nothing of when they fit."""
    return [label for label, (yes, _) in said.items() if not yes]


def _texts(sides: Sides) -> int:
    return len({row.text_key for row in (*sides.train, *sides.dev, *sides.test)})
